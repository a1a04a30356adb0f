import { expect, test } from "vitest";
import type { Mark } from "../types";
import { COLOURS, coloursOf, contrast } from "./colours";
import { byPage, inOrder, meant } from "./marks";

function mark(id: string, field: string, page: number, box: Mark["box"], current = false): Mark {
  return { id, field, page, box, current, colour: "#000000", label: field };
}

const SMALL = mark("1", "Total", 2, [0.2, 0.5, 0.3, 0.52]);
const LARGE = mark("2", "Address", 2, [0.1, 0.4, 0.6, 0.6], true);
const LATER = mark("3", "Total", 3, [0.1, 0.1, 0.2, 0.2], true);

test("a small box is drawn over the large one it lies in", () => {
  expect(byPage([SMALL, LARGE, LATER]).get(2)).toEqual([LARGE, SMALL]);
});

test("keys go through the boxes as one reads", () => {
  expect(inOrder([LATER, SMALL, LARGE])).toEqual([LARGE, SMALL, LATER]);
});

test("a name means the mark of this id, else the present place of the field, else its first", () => {
  const marks = [SMALL, LARGE, LATER];
  expect(meant(marks, "1")).toBe(SMALL);
  expect(meant(marks, "Total")).toBe(LATER);
  expect(meant([SMALL], "Total")).toBe(SMALL);
  expect(meant(marks, "Nothing")).toBeNull();
  expect(meant(marks, null)).toBeNull();
});

test("each colour is another, and is seen as a line on white paper", () => {
  expect(new Set(COLOURS).size).toBe(COLOURS.length);
  for (const colour of COLOURS) expect(contrast(colour, "#ffffff"), colour).toBeGreaterThan(3);
});

test("fields keep their colours, however many and whatever their names", () => {
  const names = ["__proto__", "a", "a", "constructor", ...Array.from({ length: 30 }, (_, at) => `f${at}`)];
  const colours = coloursOf(names);
  expect(colours.size).toBe(33);
  expect(colours.get("__proto__")).toBe(COLOURS[0]);
  expect(colours.get("a")).toBe(COLOURS[1]);
  expect(colours.get("f29")).toMatch(/^#/);
});
