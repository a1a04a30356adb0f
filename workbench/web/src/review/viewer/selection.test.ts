import { expect, test } from "vitest";
import type { Word } from "../types";
import { inside, moved, nearest, stretch, wordAt } from "./selection";

/** Three lines of three words, as wide as they are apart. */
const WORDS: Word[] = ["a b c", "d e f", "g h i"].flatMap((line, row) =>
  line.split(" ").map((text, column) => {
    const [left, top] = [0.1 + 0.2 * column, 0.1 + 0.1 * row];
    return { id: text, text, confidence: 1, box: [left, top, left + 0.1, top + 0.03] } as Word;
  }),
);
const texts = (words: readonly Word[]) => words.map((word) => word.text).join("");

test("a point means the word it is on, a little beside it as well, and none between lines", () => {
  expect(WORDS[wordAt(WORDS, [0.35, 0.21])]?.text).toBe("e");
  expect(WORDS[wordAt(WORDS, [0.298, 0.21])]?.text).toBe("e");
  expect(wordAt(WORDS, [0.35, 0.17])).toBe(-1);
});

test("of words that lie over each other the smaller is meant", () => {
  const large: Word = { id: "x", text: "x", confidence: 1, box: [0.05, 0.05, 0.9, 0.9] };
  expect(WORDS[wordAt([...WORDS, large], [0.35, 0.21])]?.text).toBe("e");
});

test("the nearest word is on the line where the pointer is", () => {
  expect(WORDS[nearest(WORDS, [0.95, 0.215])]?.text).toBe("f");
  expect(nearest([], [0.5, 0.5])).toBe(-1);
});

test("a stretch goes over the ends of lines, the same in both directions", () => {
  expect(texts(stretch(WORDS, 1, 5))).toBe("bcdef");
  expect(texts(stretch(WORDS, 5, 1))).toBe("bcdef");
  expect(stretch(WORDS, -1, 3)).toEqual([]);
});

test("a rectangle takes a column, in reading order", () => {
  expect(texts(inside(WORDS, [0.28, 0.05, 0.42, 0.35]))).toBe("beh");
  expect(texts(inside(WORDS, [0.28, 0.05, 0.31, 0.35])), "touched at their edge only").toBe("");
});

test("the cursor goes by words, by lines and to the ends of a line", () => {
  expect(moved(WORDS, 2, "next")).toBe(3);
  expect(moved(WORDS, 0, "previous")).toBe(0);
  expect(moved(WORDS, 8, "next")).toBe(8);
  expect(moved(WORDS, 4, "down")).toBe(7);
  expect(moved(WORDS, 4, "up")).toBe(1);
  expect(moved(WORDS, 7, "down")).toBe(7);
  expect(moved(WORDS, 4, "line-start")).toBe(3);
  expect(moved(WORDS, 4, "line-end")).toBe(5);
});
