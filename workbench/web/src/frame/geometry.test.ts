import { describe, expect, test } from "vitest";
import { coversHalf, overlaps, resized, snapped, within } from "./geometry";

const box = (left: number, top: number, width: number, height: number) => ({ left, top, width, height });
const PAGE = { width: 600, height: 400 };

test("boxes that merely touch do not overlap", () => {
  expect(overlaps(box(0, 0, 10, 10), box(10, 0, 10, 10))).toBe(false);
  expect(overlaps(box(0, 0, 10, 10), box(9, 9, 10, 10))).toBe(true);
});

test("a box stays inside the picture, in whole pixels, and never vanishes", () => {
  expect(within(box(-5.4, 390.2, 10, 50), PAGE)).toEqual(box(0, 390, 5, 10));
  expect(within(box(700, 500, 3, 3), PAGE)).toEqual(box(599, 399, 1, 1));
});

test("a side dragged past the other turns the box over", () => {
  expect(resized(box(100, 100, 50, 50), "e", 80, 0, PAGE)).toEqual(box(80, 100, 20, 50));
});

describe("snapping", () => {
  const words = [box(100, 100, 40, 12), box(145, 100, 35, 12)];

  test("a loosely drawn box takes the outline of the words it covers", () => {
    expect(snapped(box(96, 95, 88, 20), words, 8, PAGE)).toEqual(box(100, 100, 80, 12));
  });

  test("a box that cuts a word by less than half leaves it out", () => {
    expect(snapped(box(97, 98, 60, 16), words, 20, PAGE)).toEqual(box(100, 100, 40, 12));
  });

  test("a side that was drawn far away was meant", () => {
    expect(snapped(box(20, 95, 165, 20), words, 8, PAGE).left).toBe(20);
  });

  test("without words the box stays as drawn", () => {
    expect(snapped(box(300, 300, 20, 20), words, 8, PAGE)).toEqual(box(300, 300, 20, 20));
  });
});

test("a word without area belongs to the box that holds its middle, not to every box", () => {
  expect(coversHalf(box(0, 0, 10, 10), box(500, 300, 0, 0))).toBe(false);
  expect(coversHalf(box(0, 0, 10, 10), box(5, 5, 0, 0))).toBe(true);
});
