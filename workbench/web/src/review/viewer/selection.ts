/** Which words a person means: by a point, a stretch from word to word, a rectangle, or keys. */
import type { Word } from "../types";
import { areaOf, distance, holds, middleOf, shared, type Box, type Point } from "./geometry";

/** How far beside a word one may still mean it, in parts of the page. */
const NEAR = 0.004;

/** Index of the word under a point, the smallest where words overlap; -1 where there is none. */
export function wordAt(words: readonly Word[], point: Point): number {
  let found = -1;
  words.forEach((word, at) => {
    if (!holds(grown(word.box), point)) return;
    if (found < 0 || areaOf(word.box) < areaOf(words[found]!.box)) found = at;
  });
  return found;
}

function grown([left, top, right, bottom]: Box): Box {
  return [left - NEAR, top - NEAR / 2, right + NEAR, bottom + NEAR / 2];
}

/** Index of the word nearest to a point; -1 on a page without words. */
export function nearest(words: readonly Word[], point: Point): number {
  let found = -1;
  let least = Infinity;
  words.forEach((word, at) => {
    const far = distance(word.box, point);
    if (far < least) [found, least] = [at, far];
  });
  return found;
}

/** The words from one to another, both included, in reading order. */
export function stretch(words: readonly Word[], from: number, to: number): Word[] {
  if (from < 0 || to < 0) return [];
  return words.slice(Math.min(from, to), Math.max(from, to) + 1);
}

/** The words that lie in a rectangle by half at least, or whose middle it touches. */
export function inside(words: readonly Word[], box: Box): Word[] {
  return words.filter(
    (word) => holds(box, middleOf(word.box)) || shared(box, word.box) > 0.5 * areaOf(word.box),
  );
}

export type Step = "next" | "previous" | "up" | "down" | "line-start" | "line-end";

/** Where a cursor on words goes. */
export function moved(words: readonly Word[], at: number, step: Step): number {
  const last = words.length - 1;
  if (step === "next") return Math.min(at + 1, last);
  if (step === "previous") return Math.max(at - 1, 0);
  const here = words[at];
  if (!here) return at;
  if (step === "line-start" || step === "line-end") return endOfLine(words, at, step === "line-end" ? 1 : -1);
  return otherLine(words, at, step === "down" ? 1 : -1);
}

function sameLine(a: Word, b: Word): boolean {
  const [, y] = middleOf(b.box);
  return a.box[1] < y && y < a.box[3];
}

function endOfLine(words: readonly Word[], at: number, by: 1 | -1): number {
  while (words[at + by] && sameLine(words[at]!, words[at + by]!)) at += by;
  return at;
}

/** The nearest word of the next line that stands above or below; the same word where there is none. */
function otherLine(words: readonly Word[], at: number, by: 1 | -1): number {
  const here = words[at]!;
  const [x, y] = middleOf(here.box);
  let found = at;
  let least = Infinity;
  words.forEach((word, other) => {
    const [, wordY] = middleOf(word.box);
    if ((wordY - y) * by <= 0 || sameLine(here, word)) return;
    const far = distance(word.box, [x, y]);
    if (far < least) [found, least] = [other, far];
  });
  return found;
}
