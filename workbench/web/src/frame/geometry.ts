// Rectangles in pixels of the image, and where a drawn one snaps to. Values in, values out.

export interface Rect {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

export type Handle = "n" | "s" | "e" | "w" | "ne" | "nw" | "se" | "sw";

export const right = (box: Rect): number => box.left + box.width;
export const bottom = (box: Rect): number => box.top + box.height;
export const area = (box: Rect): number => box.width * box.height;

export function sharedArea(a: Rect, b: Rect): number {
  const width = Math.min(right(a), right(b)) - Math.max(a.left, b.left);
  const height = Math.min(bottom(a), bottom(b)) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Whether they share area; boxes that merely touch do not. */
export const overlaps = (a: Rect, b: Rect): boolean => sharedArea(a, b) > 0;

export const contains = (box: Rect, x: number, y: number): boolean =>
  x >= box.left && x <= right(box) && y >= box.top && y <= bottom(box);

export function enclosing(boxes: readonly Rect[]): Rect | null {
  if (boxes.length === 0) return null;
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  return {
    left,
    top,
    width: Math.max(...boxes.map(right)) - left,
    height: Math.max(...boxes.map(bottom)) - top,
  };
}

/** The rectangle between two points, whichever way it was dragged. */
export function between(x0: number, y0: number, x1: number, y1: number): Rect {
  return {
    left: Math.min(x0, x1),
    top: Math.min(y0, y1),
    width: Math.abs(x1 - x0),
    height: Math.abs(y1 - y0),
  };
}

/** Whole pixels inside the image, at least one pixel wide and high. */
export function within(box: Rect, image: Size): Rect {
  const left = Math.min(Math.max(0, Math.round(box.left)), Math.max(0, image.width - 1));
  const top = Math.min(Math.max(0, Math.round(box.top)), Math.max(0, image.height - 1));
  const x1 = Math.min(Math.max(left + 1, Math.round(right(box))), Math.max(1, image.width));
  const y1 = Math.min(Math.max(top + 1, Math.round(bottom(box))), Math.max(1, image.height));
  return { left, top, width: x1 - left, height: y1 - top };
}

/** The same size elsewhere, kept whole inside the image. */
export function moved(box: Rect, dx: number, dy: number, image: Size): Rect {
  const left = Math.min(Math.max(0, box.left + dx), Math.max(0, image.width - box.width));
  const top = Math.min(Math.max(0, box.top + dy), Math.max(0, image.height - box.height));
  return { ...box, left: Math.round(left), top: Math.round(top) };
}

/** One side or corner dragged to a point; past the opposite side the box turns over. */
export function resized(box: Rect, handle: Handle, x: number, y: number, image: Size): Rect {
  const x0 = handle.includes("w") ? x : box.left;
  const x1 = handle.includes("e") ? x : right(box);
  const y0 = handle.includes("n") ? y : box.top;
  const y1 = handle.includes("s") ? y : bottom(box);
  return within(between(x0, y0, x1, y1), image);
}

/**
 * A drawn box around the words it means: those with at least half their area inside. Sides that lie within
 * `reach` of the words' outline go to it; a side that was drawn far away stays, since it was meant.
 */
export function snapped(box: Rect, words: readonly Rect[], reach: number, image: Size): Rect {
  const meant = words.filter((word) => coversHalf(box, word));
  const outline = enclosing(meant);
  if (!outline) return within(box, image);
  const near = (drawn: number, printed: number): number =>
    Math.abs(drawn - printed) <= reach ? printed : drawn;
  const left = near(box.left, Math.floor(outline.left));
  const top = near(box.top, Math.floor(outline.top));
  const x1 = near(right(box), Math.ceil(right(outline)));
  const y1 = near(bottom(box), Math.ceil(bottom(outline)));
  return within({ left, top, width: x1 - left, height: y1 - top }, image);
}

/** At least half of the word's area inside the box; a word without area counts by its middle. */
export function coversHalf(box: Rect, word: Rect): boolean {
  const size = area(word);
  if (size <= 0) return contains(box, word.left + word.width / 2, word.top + word.height / 2);
  return sharedArea(box, word) >= size / 2;
}
