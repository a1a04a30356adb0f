/** Words chosen on a page by mouse or keys: what is chosen, and how it grows. */
import { ref, shallowRef } from "vue";
import type { Word } from "../types";
import { spanned, type Box, type Point } from "./geometry";
import { inside, moved, nearest, stretch, wordAt, type Step } from "./selection";

export interface Chosen {
  page: number;
  words: readonly Word[];
}

/** A press that may become a drag. */
interface Press {
  page: number;
  point: Point;
  /** Index of the word it began on; -1: on none, so a rectangle is drawn. */
  word: number;
}

export function useSelecting(wordsOf: (page: number) => readonly Word[]) {
  const chosen = shallowRef<Chosen | null>(null);
  const band = shallowRef<{ page: number; box: Box } | null>(null);
  /** Page and index of the word that the keys are at. */
  const cursor = ref<{ page: number; word: number } | null>(null);
  // Where shift+click and shift+arrow begin.
  let origin: { page: number; word: number } | null = null;
  let press: Press | null = null;

  function choose(page: number, words: readonly Word[]): void {
    chosen.value = words.length ? { page, words } : null;
  }

  function begin(page: number, point: Point): void {
    press = { page, point, word: wordAt(wordsOf(page), point) };
  }

  function drag(point: Point): void {
    if (!press) return;
    const words = wordsOf(press.page);
    if (press.word >= 0) {
      origin = { page: press.page, word: press.word };
      choose(press.page, stretch(words, press.word, nearest(words, point)));
    } else {
      band.value = { page: press.page, box: spanned(press.point, point) };
      choose(press.page, inside(words, band.value.box));
    }
  }

  function end(): Chosen | null {
    const drawn = press ? chosen.value : null;
    if (press && band.value && drawn)
      origin = { page: drawn.page, word: indexOf(drawn.page, drawn.words[0]) };
    cancel();
    return drawn;
  }

  function cancel(): void {
    press = null;
    band.value = null;
  }

  function indexOf(page: number, word: Word | undefined): number {
    return word ? wordsOf(page).findIndex((one) => one.id === word.id) : -1;
  }

  /** A single click: where the next shift+click begins. */
  function pin(page: number, point: Point): void {
    const word = wordAt(wordsOf(page), point);
    origin = word >= 0 ? { page, word } : null;
    chosen.value = null;
    if (cursor.value && origin) cursor.value = origin;
  }

  function one(page: number, point: Point): Chosen | null {
    const word = wordAt(wordsOf(page), point);
    if (word < 0) return null;
    origin = { page, word };
    choose(page, stretch(wordsOf(page), word, word));
    return chosen.value;
  }

  function extend(page: number, point: Point): Chosen | null {
    if (!origin || origin.page !== page) return one(page, point);
    const words = wordsOf(page);
    choose(page, stretch(words, origin.word, nearest(words, point)));
    return chosen.value;
  }

  /** The keys begin at a word of a page. */
  function enter(page: number, word: number): void {
    if (!wordsOf(page)[word]) return;
    origin = { page, word };
    cursor.value = origin;
    choose(page, stretch(wordsOf(page), word, word));
  }

  function step(by: Step, isExtending: boolean): Word | null {
    const here = cursor.value;
    if (!here) return null;
    const words = wordsOf(here.page);
    const word = moved(words, here.word, by);
    cursor.value = { page: here.page, word };
    if (!isExtending || !origin) origin = cursor.value;
    choose(here.page, stretch(words, origin.word, word));
    return words[word] ?? null;
  }

  function clear(): void {
    cancel();
    chosen.value = null;
    cursor.value = null;
    origin = null;
  }

  return { chosen, band, cursor, begin, drag, end, cancel, pin, one, extend, enter, step, clear };
}

export type Selecting = ReturnType<typeof useSelecting>;
