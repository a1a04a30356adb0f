import { expect, test } from "vitest";
import { Offsets, pieces, wholeWords, withSpan } from "./spans";

test("offsets count characters as Unicode does", () => {
  const offsets = new Offsets("a😀b");

  expect(offsets.toPoints(3)).toBe(2);
  expect(offsets.toUnits(2)).toBe(3);
  expect(offsets.toUnits(99)).toBe(4);
});

test("a selection grows to whole words and leaves spaces", () => {
  const text = "paid 12.50 to Acme Ltd. now";

  expect(wholeWords(text, 15, 17)).toEqual({ start: 14, end: 18 });
  expect(wholeWords(text, 13, 14)).toBeNull();
  expect(wholeWords(text, 4, 11)).toEqual({ start: 5, end: 10 });
});

const span = (start: number, end: number, label = "A") => ({ start, end, label });

test("without overlap a covered span gives way and a cut one refuses", () => {
  expect(withSpan([span(2, 4)], span(0, 6, "B"), false)).toEqual([span(0, 6, "B")]);
  expect(withSpan([span(2, 4)], span(3, 6, "B"), false)).toBeNull();
  expect(withSpan([span(2, 4)], span(3, 6, "B"), true)).toEqual([span(2, 4), span(3, 6, "B")]);
});

test("pieces cover the text once, whatever the spans", () => {
  const cut = pieces(10, [span(2, 6), span(4, 8, "B")]);

  expect(cut.map((piece) => [piece.start, piece.end, piece.spans.length])).toEqual([
    [0, 2, 0],
    [2, 4, 1],
    [4, 6, 2],
    [6, 8, 1],
    [8, 10, 0],
  ]);
});
