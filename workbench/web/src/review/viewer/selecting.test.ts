import { expect, test } from "vitest";
import type { Word } from "../types";
import { useSelecting, type Chosen } from "./selecting";

const WORDS: Word[] = ["a b c", "d e f"].flatMap((line, row) =>
  line.split(" ").map((text, column) => {
    const [left, top] = [0.1 + 0.2 * column, 0.1 + 0.1 * row];
    return { id: text, text, confidence: 1, box: [left, top, left + 0.1, top + 0.03] } as Word;
  }),
);
const made = () => useSelecting((page) => (page === 1 ? WORDS : []));
const texts = (chosen: Chosen | null) => chosen?.words.map((word) => word.text).join("");

test("a drag from word to word follows the reading order", () => {
  const selecting = made();
  selecting.begin(1, [0.35, 0.11]);
  selecting.drag([0.35, 0.21]);
  expect(texts(selecting.end())).toBe("bcde");
  expect(texts(selecting.chosen.value), "it stays to be seen").toBe("bcde");
});

test("a drag from between the words draws a rectangle", () => {
  const selecting = made();
  selecting.begin(1, [0.25, 0.05]);
  selecting.drag([0.45, 0.3]);
  expect(selecting.band.value?.page).toBe(1);
  expect(texts(selecting.end())).toBe("be");
  expect(selecting.band.value).toBeNull();
});

test("a double click takes a word, shift and a click go on from it", () => {
  const selecting = made();
  expect(texts(selecting.one(1, [0.55, 0.11]))).toBe("c");
  expect(texts(selecting.extend(1, [0.15, 0.21]))).toBe("cd");
  expect(texts(selecting.extend(1, [0.15, 0.11])), "from where it began").toBe("abc");
  expect(selecting.one(1, [0.9, 0.9])).toBeNull();
});

test("keys move a cursor; with shift the choice grows from where they began", () => {
  const selecting = made();
  selecting.enter(1, 1);
  selecting.step("next", true);
  selecting.step("next", true);
  expect(texts(selecting.chosen.value)).toBe("bcd");
  selecting.step("next", false);
  expect(texts(selecting.chosen.value)).toBe("e");
  selecting.clear();
  expect(selecting.step("next", false)).toBeNull();
});

test("a page without words gives nothing", () => {
  const selecting = made();
  selecting.begin(2, [0.1, 0.1]);
  selecting.drag([0.9, 0.9]);
  expect(selecting.end()).toBeNull();
  selecting.enter(2, 0);
  expect(selecting.cursor.value).toBeNull();
});
