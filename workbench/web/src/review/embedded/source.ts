/** The source of a review without a server: the page that Amazon A2I puts it into. */
import { answerTo } from "./form";
import { checkHere } from "./check";
import type { Given } from "./given";
import { PageStore } from "./words";
import type { Answer, ReviewSource } from "../types";

/** Where the state of an answer is kept until the page is sent: this tab, and nowhere else. */
export function draftKey(given: Given): string {
  return `recto-review-draft:${given.task.ReviewId ?? given.task.TaskObject}`;
}

export function embeddedSource(given: Given, store: PageStore, storage: Storage | null): ReviewSource {
  return {
    page: (number) => store.page(number),
    check: async (answer) => checkHere(answer, given.task),
    saveDraft: async (answer) => {
      if (!storage) throw new Error("This browser lets the page keep nothing.");
      storage.setItem(draftKey(given), JSON.stringify(answer));
      return { saved: new Date().toISOString(), claimed_until: null };
    },
    submit: async (answer) => answerTo(answer),
    reject: async (reason) => answerTo({ "document-rejected": true, "document-rejected-why": reason }),
  };
}

export function draftOf(given: Given, storage: Storage | null): Answer | null {
  try {
    return JSON.parse(storage?.getItem(draftKey(given)) ?? "null") as Answer | null;
  } catch {
    return null;
  }
}
