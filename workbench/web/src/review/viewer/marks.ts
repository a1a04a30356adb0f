/** The marks of a document: by page, in reading order, and the one that is meant by a name. */
import type { Mark } from "../types";
import { areaOf } from "./geometry";

/** Marks of each page, larger ones first: what lies within another can still be pressed. */
export function byPage(marks: readonly Mark[]): Map<number, Mark[]> {
  const pages = new Map<number, Mark[]>();
  for (const mark of marks) {
    const own = pages.get(mark.page);
    if (own) own.push(mark);
    else pages.set(mark.page, [mark]);
  }
  for (const own of pages.values()) own.sort((a, b) => areaOf(b.box) - areaOf(a.box));
  return pages;
}

/** By page, then from the top, then from the left. */
export function inOrder(marks: readonly Mark[]): Mark[] {
  return [...marks].sort((a, b) => a.page - b.page || a.box[1] - b.box[1] || a.box[0] - b.box[0]);
}

/** The mark of this id; else the first of the field of this name, of its present value where it has one. */
export function meant(marks: readonly Mark[], name: string | null): Mark | null {
  if (name === null) return null;
  let first: Mark | null = null;
  let current: Mark | null = null;
  for (const mark of marks) {
    if (mark.id === name) return mark;
    if (mark.field !== name) continue;
    first ??= mark;
    if (mark.current) current ??= mark;
  }
  return current ?? first;
}
