import { expect, test } from "vitest";
import { REVIEW_KEYS, optionOf, reviewCommandOf } from "./keys";

test("no key means two things", () => {
  const keys = REVIEW_KEYS.flatMap((one) => one.keys);
  expect(new Set(keys).size).toBe(keys.length);
});

test.each([
  ["Enter", "right"],
  ["Ctrl+Enter", "submit"],
  ["Ctrl+Y", "redo"],
  ["constructor", null],
])("%s", (key, command) => expect(reviewCommandOf(key)).toBe(command));

test("Alt and a digit take a suggestion, whatever sign the keyboard writes", () => {
  const press = { altKey: true, ctrlKey: false, metaKey: false };
  expect(optionOf({ ...press, code: "Digit3" })).toBe(2);
  expect(optionOf({ ...press, code: "Digit0" })).toBeNull();
  expect(optionOf({ ...press, altKey: false, code: "Digit3" })).toBeNull();
});
