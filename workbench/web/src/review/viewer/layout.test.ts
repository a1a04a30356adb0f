import { expect, test } from "vitest";
import { EDGE, estimated, layoutOf, leftOf, pageAt, pagesBetween } from "./layout";

const FRAME = { width: 816, height: 600 };

test("pages stand below each other, each as wide as the frame", () => {
  const layout = layoutOf([0.8, 2, 0.8], FRAME, 1);

  expect([...layout.widths]).toEqual([800, 800, 800]);
  expect([...layout.heights]).toEqual([1000, 400, 1000]);
  expect([...layout.tops]).toEqual([8, 1020, 1432]);
  expect(layout.height).toBe(2440);
});

test("each page shows whole where that is asked, in the middle", () => {
  const layout = layoutOf([0.8, 2], FRAME, "page");

  expect([...layout.heights]).toEqual([584, 400]);
  expect(leftOf(layout, 1)).toBe((816 - 467) / 2);
});

test("a page wider than the frame begins at its edge", () => {
  const layout = layoutOf([0.8], FRAME, 3);
  expect(layout.width).toBe(2400 + 2 * EDGE);
  expect(leftOf(layout, 1)).toBe(EDGE);
});

test("of 3,000 pages those in view are found, also above and below all", () => {
  const layout = layoutOf(
    Array.from({ length: 3000 }, () => 0.8),
    FRAME,
    1,
  );

  const top = layout.tops[1499]!;
  expect(pagesBetween(layout, top, top + 1500)).toEqual([1500, 1501]);
  expect(pageAt(layout, -50)).toBe(1);
  expect(pageAt(layout, 1e9)).toBe(3000);
  expect(pagesBetween(layoutOf([], FRAME, 1), 0, 100)).toEqual([]);
});

test("a page not known yet has the shape of the last known one before it", () => {
  expect(estimated(new Map(), 2, 0.7)).toEqual([0.7, 0.7]);
  expect(estimated(new Map([[1, 0.8]]), 3, 0.7)).toEqual([0.8, 0.8, 0.8]);
  expect(estimated(new Map([[1, 0.8], [3, 2]]), 4, 0.7)).toEqual([0.8, 0.8, 2, 2]); // prettier-ignore
});
