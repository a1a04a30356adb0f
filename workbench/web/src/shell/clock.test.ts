import { expect, test } from "vitest";
import { instantOf, spoken, urgencyOf } from "./clock";

test.each([
  ["2026-11-21T10:00:00Z", Date.UTC(2026, 10, 21, 10)],
  ["2026-11-21T10:00:00.250000+00:00", Date.UTC(2026, 10, 21, 10) + 250],
  [1_795_000_000, 1_795_000_000_000],
  [1_795_000_000_000, 1_795_000_000_000],
  [null, null],
  ["", null],
  ["soon", null],
])("the time %s is understood", (given, wanted) => {
  expect(instantOf(given)).toBe(wanted);
});

test.each([
  [0, "0 s"],
  [-5, "0 s"],
  [999, "1 s"],
  [59_000, "59 s"],
  [60_000, "1 min"],
  [754_000, "12 min 34 s"],
  [3_600_000, "1 h"],
  [8_130_000, "2 h 15 min"],
  [10 * 86_400_000, "10 d"],
])("%d ms are said as %s", (left, said) => {
  expect(spoken(left)).toBe(said);
});

test.each([
  [3600, 3_000_000, "calm"],
  [3600, 299_000, "soon"],
  [3600, 59_000, "now"],
  [3600, 0, "over"],
  [60, 13_000, "calm"],
  [60, 12_000, "soon"],
  [60, 3_000, "now"],
])("of %d s the last %d ms are %s", (limit, left, urgency) => {
  expect(urgencyOf(left, limit)).toBe(urgency);
});
