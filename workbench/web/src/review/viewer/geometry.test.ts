import { expect, test } from "vitest";
import { distance, shared, spanned, turned, turnedBox, unturned, type Point, type Quarter } from "./geometry";

const TURNS: Quarter[] = [0, 1, 2, 3];

test("the top left corner goes clockwise around the page", () => {
  expect(TURNS.map((quarter) => turned([0, 0], quarter))).toEqual([
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ]);
});

test("a point of the view is the point of the page it was made of", () => {
  const point: Point = [0.2, 0.7];
  for (const quarter of TURNS) {
    const [x, y] = unturned(turned(point, quarter), quarter);
    expect(x).toBeCloseTo(0.2);
    expect(y).toBeCloseTo(0.7);
  }
});

test("a turned box keeps its area and is upright", () => {
  const [left, top, right, bottom] = turnedBox([0.1, 0.2, 0.4, 0.25], 1);
  expect([left, top, right, bottom].map((v) => Math.round(v * 100))).toEqual([75, 10, 80, 40]);
});

test("a box is spanned by any two corners, and what lies apart shares nothing", () => {
  expect(spanned([0.5, 0.1], [0.2, 0.6])).toEqual([0.2, 0.1, 0.5, 0.6]);
  expect(shared([0, 0, 0.2, 0.2], [0.3, 0.3, 0.4, 0.4])).toBe(0);
  expect(shared([0, 0, 0.2, 0.2], [0.1, 0.1, 0.4, 0.4])).toBeCloseTo(0.01);
});

test("what is on the line is nearer than what is above it", () => {
  const point: Point = [0.5, 0.5];
  expect(distance([0.55, 0.49, 0.6, 0.51], point)).toBeLessThan(distance([0.45, 0.44, 0.55, 0.46], point));
});
