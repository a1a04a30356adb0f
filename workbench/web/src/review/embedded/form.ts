/** Hands the answer to `crowd-form`: hidden inputs, posted flat under their names. */
import type { Answer } from "../types";

let isApproved = false;

const by = (id: string) => document.getElementById(id);

/** What presses Submit elsewhere (the workbench's button, a key of the portal) asks the page first. */
export function guardForm(submit: () => void): void {
  by("recto-form")?.addEventListener(
    "submit",
    (event) => {
      if (isApproved) return;
      event.preventDefault();
      submit();
    },
    { capture: true },
  );
}

export async function answerTo(answer: Answer): Promise<{ state: string }> {
  const place = by("recto-answer");
  if (!place) throw new Error("The page has no form to be sent.");
  place.replaceChildren(
    ...Object.entries(answer).map(([name, value]) => {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = String(value);
      return input;
    }),
  );
  isApproved = true;
  // After this turn: a press that is being handled must not meet another one.
  setTimeout(() => {
    by("recto-submit")?.click();
    // A form that was not sent after all is asked about again.
    setTimeout(() => (isApproved = false), 1000);
  });
  return { state: "submitted" };
}
