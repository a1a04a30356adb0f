// Labelled spans of a text: offsets, overlap, the pieces to show. Values in, values out.

export interface Span {
  start: number;
  end: number;
  label: string;
}

/** Offsets count characters as Unicode does (code points), not the halves that JavaScript counts. */
export class Offsets {
  private readonly starts: number[] = [];
  constructor(readonly text: string) {
    for (let at = 0; at < text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1) this.starts.push(at);
    this.starts.push(text.length);
  }

  toUnits(points: number): number {
    return this.starts[Math.min(Math.max(0, points), this.starts.length - 1)]!;
  }

  toPoints(units: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= units) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where words are: runs without space. */
export const wordsOf = (text: string): { start: number; end: number }[] =>
  Array.from(text.matchAll(/\S+/g), (found) => ({ start: found.index, end: found.index + found[0].length }));

/** A selection without the spaces at its ends; null when nothing remains. */
export function trimmed(text: string, start: number, end: number): { start: number; end: number } | null {
  while (start < end && /\s/.test(text[start]!)) start += 1;
  while (end > start && /\s/.test(text[end - 1]!)) end -= 1;
  return end > start ? { start, end } : null;
}

/** A selection grown to whole words, without punctuation that surrounds them. */
export function wholeWords(text: string, start: number, end: number): { start: number; end: number } | null {
  const inner = trimmed(text, start, end);
  if (!inner) return null;
  const inWord = (at: number): boolean => /[\p{L}\p{N}_]/u.test(text[at] ?? "");
  let { start: from, end: to } = inner;
  if (inWord(from)) while (from > 0 && inWord(from - 1)) from -= 1;
  if (inWord(to - 1)) while (to < text.length && inWord(to)) to += 1;
  return { start: from, end: to };
}

export const crosses = (a: Span | { start: number; end: number }, b: Span): boolean =>
  a.start < b.end && b.start < a.end;

/** With another span. Without overlap: a span that is wholly covered gives way, one that is cut refuses. */
export function withSpan(spans: readonly Span[], added: Span, overlapping: boolean): Span[] | null {
  const same = (span: Span): boolean => span.start === added.start && span.end === added.end;
  if (overlapping)
    return sorted([...spans.filter((span) => !(same(span) && span.label === added.label)), added]);
  const hit = spans.filter((span) => crosses(span, added));
  if (hit.some((span) => span.start < added.start || span.end > added.end)) return null;
  return sorted([...spans.filter((span) => !hit.includes(span)), added]);
}

export const sorted = (spans: Span[]): Span[] => spans.sort((a, b) => a.start - b.start || a.end - b.end);

export interface Piece {
  start: number;
  end: number;
  spans: Span[];
}

/** The text cut wherever a span begins or ends. */
export function pieces(length: number, spans: readonly Span[]): Piece[] {
  const cuts = [...new Set([0, length, ...spans.flatMap((span) => [span.start, span.end])])].sort(
    (a, b) => a - b,
  );
  return cuts.slice(0, -1).map((start, at) => {
    const end = cuts[at + 1]!;
    return { start, end, spans: spans.filter((span) => span.start <= start && span.end >= end) };
  });
}
