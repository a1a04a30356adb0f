import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../shell/api";
import { fieldNamed } from "./model";
import type { Check, Edit, ReviewSource, ReviewTask } from "./types";
import { useReview, type ReviewWork } from "./work";

const TASK: ReviewTask = {
  ReviewId: "r",
  TaskObject: "s3://b/k",
  ModelResult: {
    Fields: Object.fromEntries(
      ["Total", "Date"].map((name, at) => [
        name,
        {
          ClassId: at,
          Confidence: 0.5,
          SortOrder: at,
          Value: "1",
          ReviewReasons: [{ Code: "below_threshold", Field: name, Message: "low" }],
        },
      ]),
    ),
  },
};
const FINE: Check = { fields: {}, complete: true, problems: [] };

let saved: { answer: object; edits: Edit[] }[];
let sent: { answer: object; edits: Edit[]; seconds: number }[];
let failing: unknown;
let verdict: Check;
let stored: Map<string, string>;
let gone: unknown[];
let now: number;
/** How long a save is on its way. */
let slow: number;

function source(): ReviewSource {
  const answering = <T>(value: T): Promise<T> => (failing ? Promise.reject(failing) : Promise.resolve(value));
  return {
    page: (page) => answering({ page, words: [], image: null }),
    check: () => answering(verdict),
    saveDraft: async (answer, edits) => {
      if (slow) await new Promise((done) => setTimeout(done, slow));
      const told = await answering({ saved: "2026-01-01T00:00:00Z", claimed_until: null });
      saved.push({ answer, edits });
      return told;
    },
    submit: async (answer, edits, seconds) => {
      const told = await answering({ state: "ANSWERED" });
      sent.push({ answer, edits, seconds });
      return told;
    },
    reject: () => answering({ state: "ANSWERED" }),
  };
}

function begin(isMine = true): ReviewWork {
  return useReview({
    task: TASK,
    source: source(),
    id: "r",
    draft: null,
    opinions: [],
    isMine,
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, text) => void stored.set(key, text),
      removeItem: (key) => void stored.delete(key),
    },
    now: () => new Date(now),
    onGone: (error) => gone.push(error),
    onClaimedUntil: () => undefined,
  });
}

const type = (work: ReviewWork, text: string, field = "Total") =>
  work.change({ kind: "type", field, at: 0, text });
const said = (work: ReviewWork) => fieldNamed(work.state.value, "Total")?.values[0]?.text;

beforeEach(() => {
  vi.useFakeTimers();
  [saved, sent, failing, verdict, stored, gone, now, slow] = [[], [], null, FINE, new Map(), [], 0, 0];
});
afterEach(() => vi.useRealTimers());

test("letters that follow each other are one step back and one edit", () => {
  const work = begin();
  type(work, "2");
  type(work, "23");
  expect(work.edits.value).toMatchObject([{ field: "Total", from: "1", to: "23", how: "typed" }]);
  vi.advanceTimersByTime(5000);
  type(work, "234");
  expect(work.edits.value).toHaveLength(2);

  work.undo();
  expect(said(work)).toBe("23");
  expect(work.undo()).toBe("Total");
  expect(said(work)).toBe("1");
  expect(work.undo()).toBeNull();
  work.redo();
  expect(said(work)).toBe("23");
  expect(work.edits.value.map((edit) => edit.how)).toEqual([
    "typed",
    "typed",
    "restored",
    "restored",
    "restored",
  ]);
});

test("each edit is saved once, and again only where it was not taken", async () => {
  const work = begin();
  type(work, "2");
  failing = new ApiError(503, "ServiceUnavailableError", "busy");
  await vi.advanceTimersByTimeAsync(1500);
  expect(work.draft.value.kind).toBe("retrying");
  failing = null;
  type(work, "3", "Date");
  await vi.advanceTimersByTimeAsync(5000);
  expect(saved.map((each) => each.edits.map((edit) => edit.field))).toEqual([["Total", "Date"]]);
  type(work, "4", "Date");
  await vi.advanceTimersByTimeAsync(5000);
  expect(saved.at(-1)?.edits.map((edit) => [edit.field, edit.to])).toEqual([["Date", "4"]]);
});

test("edits that come while others are on their way are neither lost nor told twice", async () => {
  const work = begin();
  type(work, "2");
  slow = 300;
  await vi.advanceTimersByTimeAsync(1100); // the first save is on its way
  type(work, "23"); // letters that follow those that have left
  type(work, "5", "Date");
  await vi.advanceTimersByTimeAsync(5000);
  type(work, "6", "Date");
  await vi.advanceTimersByTimeAsync(5000);

  const told = saved.flatMap((each) => each.edits.map((edit) => [edit.field, edit.from, edit.to]));
  expect(told).toEqual([
    ["Total", "1", "2"],
    ["Total", "2", "23"],
    ["Date", "1", "5"],
    ["Date", "5", "6"],
  ]);
});

test("what was not saved is there after a reload", async () => {
  failing = new ApiError(503, "ServiceUnavailableError", "busy");
  const work = begin();
  type(work, "2");
  work.close();
  failing = null;
  const again = begin();
  expect(said(again)).toBe("2");
  await vi.advanceTimersByTimeAsync(5000);
  expect(saved.at(-1)?.edits).toHaveLength(1);
});

test("nothing is sent before all is looked at and the rules hold", async () => {
  const work = begin();
  type(work, "2");
  expect(await work.submit()).toBe(false);
  expect(work.problems.value).toEqual([{ field: "Date", message: "Not looked at yet." }]);

  work.change({ kind: "look", field: "Date" });
  verdict = { ...FINE, complete: false, problems: [{ field: "Total", message: "too much" }] };
  expect(await work.submit()).toBe(false);
  expect(work.problems.value).toEqual(verdict.problems);
  expect(sent).toEqual([]);

  verdict = FINE;
  expect(await work.submit()).toBe(true);
  expect(sent[0]?.answer).toEqual({
    "field-present-Total": true,
    "field-value-Total": "2",
    "field-present-Date": true,
    "field-value-Date": "1",
  });
  expect(type(work, "3")).toBe(false);
  expect(stored.size).toBe(0);
});

test("an answer that could not be sent can be sent again; one that is too late says so", async () => {
  const work = begin();
  for (const field of ["Total", "Date"]) work.change({ kind: "look", field });
  failing = new ApiError(503, "ServiceUnavailableError", "busy");
  expect(await work.submit()).toBe(false);
  expect(work.failure.value).toContain("Try again");
  failing = new ApiError(409, "ReviewClosedError", "answered");
  expect(await work.submit()).toBe(false);
  expect(gone.at(-1)).toBe(failing);
  failing = null;
  expect(await work.submit()).toBe(true);
});

test("who only looks changes nothing", async () => {
  const work = begin(false);
  expect(type(work, "2")).toBe(false);
  expect(await work.submit()).toBe(false);
  await vi.advanceTimersByTimeAsync(5000);
  expect(saved).toEqual([]);
});
