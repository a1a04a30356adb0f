/** Boxes and points of a page, 0-1 from its top left, and the same seen when the view is turned. */

export type Box = readonly [left: number, top: number, right: number, bottom: number];
export type Point = readonly [x: number, y: number];

/** By how many quarters the view is turned clockwise. */
export type Quarter = 0 | 1 | 2 | 3;

export function turnedBy(quarter: Quarter, more: number): Quarter {
  return ((((quarter + more) % 4) + 4) % 4) as Quarter;
}

/** Where a point of the page is in the view. */
export function turned([x, y]: Point, quarter: Quarter): Point {
  if (quarter === 1) return [1 - y, x];
  if (quarter === 2) return [1 - x, 1 - y];
  if (quarter === 3) return [y, 1 - x];
  return [x, y];
}

/** Where a point of the view is on the page. */
export function unturned(point: Point, quarter: Quarter): Point {
  return turned(point, turnedBy(0, -quarter));
}

export function turnedBox([left, top, right, bottom]: Box, quarter: Quarter): Box {
  return spanned(turned([left, top], quarter), turned([right, bottom], quarter));
}

/** The box between two of its corners. */
export function spanned(a: Point, b: Point): Box {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

export function holds(box: Box, [x, y]: Point): boolean {
  return box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3];
}

export function middleOf(box: Box): Point {
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}

export function areaOf(box: Box): number {
  return Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
}

/** What two boxes share, as an area. */
export function shared(a: Box, b: Box): number {
  return areaOf([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
}

/** How far a point lies from a box; 0 within. Heights count more: what is on one line belongs together. */
export function distance(box: Box, [x, y]: Point): number {
  const aside = Math.max(box[0] - x, 0, x - box[2]);
  const above = Math.max(box[1] - y, 0, y - box[3]);
  return Math.hypot(aside, above * 3);
}
