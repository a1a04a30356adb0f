import { expect, test } from "vitest";
import {
  ageOf,
  bytesOf,
  costLines,
  countOf,
  durationOf,
  foundAt,
  linesOf,
  lookOf,
  pageLink,
  percentOf,
  saidNote,
  saidReason,
  saidStatus,
  wholeOf,
} from "./said";
import { marksOf, opened } from "../review/model";
import { STATUSES, type Entry } from "./server";

const entry = (kind: Entry["kind"], what: string, second: number, seconds: number | null): Entry => ({
  kind,
  what,
  when: new Date(Date.UTC(2026, 10, 20, 8, 0, second)).toISOString(),
  seconds,
  notes: {},
});

test("every status has words and a look; unknown ones are shown as they are", () => {
  expect(STATUSES.map(saidStatus)).not.toContain("IN_REVIEW");
  expect(STATUSES.map(lookOf)).toEqual(["busy", "busy", "busy", "busy", "wants", "good", "bad", "bad"]);
  expect(saidStatus("constructor")).toBe("constructor");
});

test.each([
  [0, "0.0 s"],
  [0.42, "0.4 s"],
  [12.6, "13 s"],
  [125, "2 min 5 s"],
  [3 * 86_400 + 7200, "3 d 2 h"],
  [-1, "0.0 s"],
  [null, ""],
])("%s seconds are %s", (seconds, said) => {
  expect(durationOf(seconds)).toBe(said);
});

test("an age is told in its largest unit, and never less than none", () => {
  const now = Date.UTC(2026, 10, 20, 12);
  expect(ageOf("2026-11-17T12:00:00Z", now)).toBe("3 d");
  expect(ageOf("2026-11-20T11:58:30+00:00", now)).toBe("1 min");
  expect(ageOf("2026-11-20T12:00:30Z", now)).toBe("0 s");
  expect(ageOf("yesterday", now)).toBe("");
});

test("reasons of a review are words; errors stay as they are", () => {
  const told = "below_threshold Total, validator_failed Date, nothing_found and 3 more";
  expect(saidReason(told, "IN_REVIEW")).toBe("unsure Total, invalid Date, nothing found and 3 more");
  expect(saidReason(told, "FAILED")).toBe(told);
  expect(saidReason("below_threshold_2 x", "IN_REVIEW")).toBe("below_threshold_2 x");
  expect(saidReason(null, "PROCESSED")).toBe("");
});

test("a box leads back to the value that it is of, whatever its field is called", () => {
  const place = (text: string, page: number) => ({
    Value: text,
    Confidence: 0.5,
    Page: page,
    Boxes: [{ Left: 0.1, Top: 0.1, Width: 0.2, Height: 0.1 }],
  });
  const field = { ClassId: 7, Confidence: 0.5, SortOrder: 0, Values: [place("a", 1), place("a", 3)] };
  const Fields = { '0.1.2 – "x"': field };
  const marks = marksOf(opened({ ReviewId: "", TaskObject: "", ModelResult: { Fields } }));
  expect(marks.map((mark) => [mark.page, foundAt(mark)])).toEqual([
    [1, 0],
    [3, 1],
  ]);
});

test("confidence is rounded down, counts end at a thousand, sizes have units", () => {
  expect([0.999, 0.29, 1, null].map(percentOf)).toEqual(["99 %", "29 %", "100 %", ""]);
  expect([0, 999, 1000, undefined].map(countOf)).toEqual(["0", "999", "1000+", ""]);
  expect([12, 1500, 48_200_000, 5e12].map(bytesOf)).toEqual(["12 bytes", "1.5 kB", "48 MB", "5000 GB"]);
});

test("a timeline has durations beside the longest of their kind, and knows what goes on", () => {
  const timeline = [
    entry("status", "RECEIVED", 0, 2),
    entry("status", "RUNNING", 2, 8),
    entry("step", "ocr", 5, 3),
    entry("step", "model", 7, 1.5),
    entry("note", "LATE_ANSWER", 8, null),
    entry("status", "IN_REVIEW", 10, 400),
  ];
  const lines = linesOf(timeline, "IN_REVIEW");
  expect(lines.map((line) => line.what)).toEqual([
    "received",
    "running",
    "OCR done",
    "model done",
    "LATE_ANSWER",
    "in review",
  ]);
  expect(lines.map((line) => line.share)).toEqual([2 / 400, 8 / 400, 1, 0.5, null, 1]);
  expect(lines.map((line) => line.isOpen)).toEqual([false, false, false, false, false, true]);
  expect(wholeOf(timeline)).toBe(410);
});

test("a final status has no duration and does not go on", () => {
  const timeline = [entry("status", "RECEIVED", 0, 2), entry("status", "FAILED", 2, null)];
  expect(linesOf(timeline, "FAILED").at(-1)).toMatchObject({ isOpen: false, duration: "", share: null });
  expect(wholeOf(timeline)).toBe(2);
  expect(wholeOf([])).toBeNull();
});

test("notes of any shape become text", () => {
  expect(saidNote({ ocr: 1, made_in: ["a", true] })).toBe("ocr 1, made in a, yes");
  expect(saidNote(0.70000001)).toBe("0.7");
  expect(saidNote(null)).toBe("");
  expect(saidNote("<b>as it is</b>")).toBe("<b>as it is</b>");
});

test("costs leave out what is not known", () => {
  const none = { words: null, ocr_engine: null, ocr_features: null, dollars: null };
  expect(costLines({ ...none, pages: null, ocr_jobs: 0 })).toEqual([["OCR jobs", "0"]]);
  expect(costLines({ ...none, pages: 3, ocr_jobs: 1, ocr_features: ["TABLES", "FORMS"] })).toEqual([
    ["Pages", "3"],
    ["OCR jobs", "1"],
    ["OCR features", "TABLES, FORMS"],
  ]);
});

test.each([
  ["https://console.aws.amazon.com/x", true],
  ["http://localhost:4566/work/result.json?a=b", true],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  ["result.json", false],
  [null, false],
])("%s is a page's address: %s", (url, is) => {
  expect(pageLink(url)).toBe(is ? url : null);
});
