// A map with one label (or 0 for none) for each pixel, and painting on it. Exact: no half-covered pixels. Undo keeps
// only the rectangle that a change touched.
import { within, type Rect, type Size } from "./geometry";

interface Point {
  x: number;
  y: number;
}

export interface Patch {
  area: Rect;
  before: Uint8Array;
  after: Uint8Array;
}

const KEPT_BYTES = 200_000_000;

export class Painting {
  readonly map: Uint8Array;
  version = 0;
  private past: Patch[] = [];
  private future: Patch[] = [];
  private base: Uint8Array | null = null;
  private touched: Rect | null = null;

  constructor(readonly size: Size) {
    this.map = new Uint8Array(size.width * size.height);
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }
  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** A change begins; everything until `commit` is undone together. */
  begin(): void {
    this.base = this.map.slice();
    this.touched = null;
  }

  commit(): void {
    const { base, touched } = this;
    this.base = null;
    if (!base || !touched) return;
    const before = this.cut(base, touched);
    const after = this.cut(this.map, touched);
    if (before.every((value, at) => value === after[at])) return;
    this.past.push({ area: touched, before, after });
    this.future = [];
    let kept = this.past.reduce((sum, patch) => sum + 2 * patch.before.length, 0);
    while (kept > KEPT_BYTES && this.past.length > 1) kept -= 2 * this.past.shift()!.before.length;
  }

  undo(): Patch | null {
    const patch = this.past.pop();
    if (!patch) return null;
    this.future.push(patch);
    this.paste(patch.area, patch.before);
    return patch;
  }

  redo(): Patch | null {
    const patch = this.future.pop();
    if (!patch) return null;
    this.past.push(patch);
    this.paste(patch.area, patch.after);
    return patch;
  }

  /** A round brush from one point to another. The rectangle that it touched. */
  stroke(from: Point, to: Point, radius: number, value: number): Rect | null {
    const left = Math.min(from.x, to.x) - radius;
    const top = Math.min(from.y, to.y) - radius;
    const area = this.clip(left, top, Math.max(from.x, to.x) + radius, Math.max(from.y, to.y) + radius);
    if (!area) return null;
    const dx = to.x - from.x;
    const dy = to.y - from.y;
    const length = dx * dx + dy * dy;
    for (let y = area.top; y < area.top + area.height; y += 1) {
      for (let x = area.left; x < area.left + area.width; x += 1) {
        const px = x + 0.5 - from.x;
        const py = y + 0.5 - from.y;
        const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
        const ax = px - along * dx;
        const ay = py - along * dy;
        if (ax * ax + ay * ay <= radius * radius) this.map[y * this.size.width + x] = value;
      }
    }
    return this.touch(area);
  }

  /** The inside of a polygon (even-odd), by rows of pixel centres. */
  polygon(corners: readonly Point[], value: number): Rect | null {
    const xs = corners.map((point) => point.x);
    const ys = corners.map((point) => point.y);
    const area = this.clip(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    if (!area) return null;
    for (let y = area.top; y < area.top + area.height; y += 1) {
      const cuts = crossings(corners, y + 0.5);
      for (let at = 0; at + 1 < cuts.length; at += 2) {
        const first = Math.max(area.left, Math.ceil(cuts[at]! - 0.5));
        const last = Math.min(area.left + area.width - 1, Math.ceil(cuts[at + 1]! - 0.5) - 1);
        if (last >= first) this.map.fill(value, y * this.size.width + first, y * this.size.width + last + 1);
      }
    }
    return this.touch(area);
  }

  /** The connected pixels of the same label, by rows. */
  fill(at: Point, value: number): Rect | null {
    const { width, height } = this.size;
    const x0 = Math.floor(at.x);
    const y0 = Math.floor(at.y);
    if (x0 < 0 || y0 < 0 || x0 >= width || y0 >= height) return null;
    const old = this.map[y0 * width + x0]!;
    if (old === value) return null;
    const waiting: [number, number][] = [[x0, y0]];
    let [left, top, last, low] = [x0, y0, x0, y0];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [x, y] = next;
      const row = y * width;
      if (this.map[row + x] !== old) continue;
      let from = x;
      let to = x;
      while (from > 0 && this.map[row + from - 1] === old) from -= 1;
      while (to + 1 < width && this.map[row + to + 1] === old) to += 1;
      this.map.fill(value, row + from, row + to + 1);
      [left, last, top, low] = [Math.min(left, from), Math.max(last, to), Math.min(top, y), Math.max(low, y)];
      for (const other of [y - 1, y + 1]) {
        if (other < 0 || other >= height) continue;
        for (let column = from; column <= to; column += 1) {
          const here = this.map[other * width + column] === old;
          if (here && (column === from || this.map[other * width + column - 1] !== old))
            waiting.push([column, other]);
        }
      }
    }
    return this.touch({ left, top, width: last - left + 1, height: low - top + 1 });
  }

  /** Pixels (RGBA) of a part, each label in its colour; the unpainted with `blank` as their alpha, white. */
  pixels(part: Rect, palette: readonly string[], blank: number): Uint8ClampedArray<ArrayBuffer> {
    const colours = palette.map(rgb);
    const out = new Uint8ClampedArray(part.width * part.height * 4);
    for (let y = 0, to = 0; y < part.height; y += 1) {
      let from = (part.top + y) * this.size.width + part.left;
      for (let x = 0; x < part.width; x += 1, from += 1, to += 4) {
        const colour = colours[this.map[from]! - 1];
        out[to] = colour ? colour[0] : 255;
        out[to + 1] = colour ? colour[1] : 255;
        out[to + 2] = colour ? colour[2] : 255;
        out[to + 3] = colour ? 255 : blank;
      }
    }
    return out;
  }

  /** Takes labels from pixels of exactly their colours; all else is unpainted. Nothing before can be undone. */
  read(pixels: Uint8ClampedArray, palette: readonly string[]): void {
    const values = new Map(palette.map((hex, at) => [parseInt(hex.slice(1), 16), at + 1]));
    for (let at = 0; at < this.map.length; at += 1) {
      const colour = (pixels[4 * at]! << 16) | (pixels[4 * at + 1]! << 8) | pixels[4 * at + 2]!;
      this.map[at] = pixels[4 * at + 3]! > 127 ? (values.get(colour) ?? 0) : 0;
    }
    this.past = [];
    this.future = [];
    this.version += 1;
  }

  private clip(left: number, top: number, x1: number, y1: number): Rect | null {
    if (x1 < 0 || y1 < 0 || left >= this.size.width || top >= this.size.height) return null;
    const area = { left: Math.floor(left), top: Math.floor(top), width: 0, height: 0 };
    return within({ ...area, width: Math.ceil(x1) - area.left, height: Math.ceil(y1) - area.top }, this.size);
  }

  private touch(area: Rect): Rect {
    this.version += 1;
    const all = this.touched;
    if (!all) this.touched = area;
    else {
      const left = Math.min(all.left, area.left);
      const top = Math.min(all.top, area.top);
      const x1 = Math.max(all.left + all.width, area.left + area.width);
      const y1 = Math.max(all.top + all.height, area.top + area.height);
      this.touched = { left, top, width: x1 - left, height: y1 - top };
    }
    return area;
  }

  private cut(map: Uint8Array, area: Rect): Uint8Array {
    const out = new Uint8Array(area.width * area.height);
    for (let y = 0; y < area.height; y += 1) {
      const from = (area.top + y) * this.size.width + area.left;
      out.set(map.subarray(from, from + area.width), y * area.width);
    }
    return out;
  }

  private paste(area: Rect, values: Uint8Array): void {
    for (let y = 0; y < area.height; y += 1) {
      const row = values.subarray(y * area.width, (y + 1) * area.width);
      this.map.set(row, (area.top + y) * this.size.width + area.left);
    }
    this.version += 1;
  }
}

function crossings(corners: readonly Point[], y: number): number[] {
  const cuts: number[] = [];
  corners.forEach((a, at) => {
    const b = corners[(at + 1) % corners.length]!;
    if (a.y <= y !== b.y <= y) cuts.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  });
  return cuts.sort((a, b) => a - b);
}

const rgb = (hex: string): [number, number, number] => [
  parseInt(hex.slice(1, 3), 16),
  parseInt(hex.slice(3, 5), 16),
  parseInt(hex.slice(5, 7), 16),
];
