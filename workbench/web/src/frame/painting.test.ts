import { expect, test } from "vitest";
import { Painting } from "./painting";

const count = (painting: Painting, value: number) => painting.map.filter((one) => one === value).length;

test("a polygon fills the pixels whose middle it holds", () => {
  const painting = new Painting({ width: 10, height: 10 });
  painting.polygon(
    [
      { x: 2, y: 2 },
      { x: 6, y: 2 },
      { x: 6, y: 5 },
      { x: 2, y: 5 },
    ],
    1,
  );

  expect(count(painting, 1)).toBe(12);
});

test("filling stays inside what bounds it, and is undone as one", () => {
  const painting = new Painting({ width: 20, height: 20 });
  painting.stroke({ x: 10, y: 0 }, { x: 10, y: 20 }, 1, 1);
  const wall = count(painting, 1);
  painting.begin();
  painting.fill({ x: 2, y: 2 }, 2);
  painting.commit();

  expect(count(painting, 2)).toBe(9 * 20);
  expect(count(painting, 1)).toBe(wall);
  painting.undo();
  expect(count(painting, 2)).toBe(0);
  painting.redo();
  expect(count(painting, 2)).toBe(9 * 20);
});

test("strokes outside the picture change nothing, at its edge only what is inside", () => {
  const painting = new Painting({ width: 10, height: 10 });

  expect(painting.stroke({ x: -50, y: -50 }, { x: -40, y: -40 }, 5, 1)).toBeNull();
  painting.stroke({ x: 0, y: 5 }, { x: 0, y: 5 }, 2, 1);
  expect(count(painting, 1)).toBeGreaterThan(0);
});

test("pixels have exactly the labels' colours and come back as the same labels", () => {
  const painting = new Painting({ width: 6, height: 4 });
  painting.polygon(
    [
      { x: 0, y: 0 },
      { x: 3, y: 0 },
      { x: 3, y: 4 },
      { x: 0, y: 4 },
    ],
    2,
  );
  const palette = ["#1f77b4", "#ff7f0e"];
  const pixels = painting.pixels({ left: 0, top: 0, width: 6, height: 4 }, palette, 255);
  const again = new Painting({ width: 6, height: 4 });
  again.read(pixels, palette);

  expect([...pixels.slice(0, 4)]).toEqual([0xff, 0x7f, 0x0e, 255]);
  expect([...pixels.slice(-4)]).toEqual([255, 255, 255, 255]);
  expect(again.map).toEqual(painting.map);
});
