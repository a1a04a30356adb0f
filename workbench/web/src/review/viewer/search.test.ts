import { expect, test } from "vitest";
import type { PageContent, Word } from "../types";
import { findNext, places, type Found } from "./search";

function page(number: number, text: string): PageContent {
  const words = text.split(" ").map((part, at) => {
    return { id: `${number}.${at}`, text: part, confidence: 1, box: [0, 0, 0, 0] } as Word;
  });
  return { page: number, words, image: null };
}

const PAGES = [
  page(1, "This Agreement is made"),
  page(2, "no such thing here"),
  page(3, "the AGREEMENT and the agreement's end"),
];

test("a text is found in and over words, whatever its case or width", () => {
  const words = page(1, "Total ﬁnal １２ EUR total").words;
  const found = (text: string) => places(words, text).map((one) => one.map((word) => word.id));
  expect(found("total")).toEqual([["1.0"], ["1.4"]]);
  expect(found("final 12 e")).toEqual([["1.1", "1.2", "1.3"]]);
  expect(found("tota")).toHaveLength(2);
  expect(found(" ")).toEqual([]);
});

async function walk(times: number, backwards: boolean): Promise<string[]> {
  const read: number[] = [];
  const out: string[] = [];
  let last: Found | null = null;
  for (let time = 0; time < times; time += 1) {
    const from = { page: last?.page ?? 1, first: last?.words[0] ?? null };
    const looking = { text: "agreement", pages: 3, from, backwards };
    last = await findNext(
      looking,
      async (number) => (read.push(number), PAGES[number - 1]!),
      () => false,
    );
    out.push(last?.words[0]?.id ?? "none");
  }
  return out;
}

test("the search goes through all places and around the end, in both directions", async () => {
  expect(await walk(4, false)).toEqual(["1.1", "3.1", "3.4", "1.1"]);
  expect(await walk(4, true)).toEqual(["1.1", "3.4", "3.1", "1.1"]);
});

test("what is nowhere is looked for on every page once, and a search that is over reads no more", async () => {
  const read: number[] = [];
  const reading = async (number: number) => (read.push(number), PAGES[number - 1]!);
  const looking = { text: "nowhere", pages: 3, from: { page: 2, first: null }, backwards: false };
  expect(await findNext(looking, reading, () => false)).toBeNull();
  expect(read).toEqual([2, 3, 1, 2]);
  read.length = 0;
  expect(await findNext(looking, reading, () => read.length > 0)).toBeNull();
  expect(read).toEqual([2]);
});
