/** Where the pages of a long document lie below each other. Plain numbers: no page needs to be there. */

/** What the pages are shown in, in CSS pixels. */
export interface Frame {
  width: number;
  height: number;
}

/** A factor of the frame's width, or each page whole. */
export type Zoom = number | "page";

export interface Layout {
  tops: Float64Array;
  widths: Float64Array;
  heights: Float64Array;
  /** Of all pages together, with what is around them. */
  width: number;
  height: number;
}

export const EDGE = 8;
const GAP = 12;
const SMALLEST = 20;

/** `ratios` are widths by heights, as the pages are seen. */
export function layoutOf(ratios: readonly number[], frame: Frame, zoom: Zoom): Layout {
  const room = Math.max(frame.width - 2 * EDGE, SMALLEST);
  const tall = Math.max(frame.height - 2 * EDGE, SMALLEST);
  const tops = new Float64Array(ratios.length);
  const widths = new Float64Array(ratios.length);
  const heights = new Float64Array(ratios.length);
  let top = EDGE;
  let widest = 0;
  ratios.forEach((ratio, at) => {
    const width = Math.round(zoom === "page" ? Math.min(room, tall * ratio) : room * zoom);
    tops[at] = top;
    widths[at] = width;
    heights[at] = Math.round(width / ratio);
    widest = Math.max(widest, width);
    top += heights[at]! + GAP;
  });
  return { tops, widths, heights, width: Math.max(widest + 2 * EDGE, frame.width), height: top - GAP + EDGE };
}

/** The page at a height; the one above where it falls between two. Pages count from 1. */
export function pageAt(layout: Layout, height: number): number {
  let low = 0;
  let high = layout.tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (layout.tops[middle]! <= height) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** The pages that show between two heights. */
export function pagesBetween(layout: Layout, top: number, bottom: number): number[] {
  if (layout.tops.length === 0) return [];
  const first = pageAt(layout, top);
  const last = pageAt(layout, bottom);
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Left of a page: pages stand in the middle. */
export function leftOf(layout: Layout, page: number): number {
  return Math.max(EDGE, (layout.width - layout.widths[page - 1]!) / 2);
}

/** The shapes of pages of which some are known: the others are taken to be as the nearest known one before. */
export function estimated(known: ReadonlyMap<number, number>, count: number, otherwise: number): number[] {
  let last = known.values().next().value ?? otherwise;
  return Array.from({ length: count }, (_, at) => (last = known.get(at + 1) ?? last));
}
