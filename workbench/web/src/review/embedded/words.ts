/** Words of pages, out of the page store (`recto.pagestore`): each page is a gzip member, read by its range. */
import type { PageContent, Word } from "../types";
import { json } from "./given";

type Entry = [part: number, offset: number, length: number, words: number];

const SIDES = 4;
const ENTRY = 4;
const MILLION = 1_000_000;

export class PageStore {
  private entries: Promise<Entry[]> | null = null;

  constructor(
    private readonly index: string | null,
    private readonly parts: string[],
    private readonly images: string[],
  ) {}

  async page(number: number): Promise<PageContent> {
    return { page: number, words: await this.words(number), image: this.images[number - 1] ?? null };
  }

  async pages(): Promise<number> {
    return (await this.read()).length || this.images.length;
  }

  private read(): Promise<Entry[]> {
    if (!this.index) return Promise.resolve([]);
    this.entries ??= json(this.index).then((told) => (told as { pages: Entry[] }).pages);
    this.entries.catch(() => (this.entries = null));
    return this.entries;
  }

  private async words(number: number): Promise<Word[]> {
    const entry = (await this.read())[number - 1];
    const url = entry && this.parts[entry[0]];
    if (!entry || !url) return [];
    const [, offset, length] = entry;
    const headers = { Range: `bytes=${offset}-${offset + length - 1}` };
    const answer = await fetch(url, { headers, credentials: "omit" });
    if (!answer.ok)
      throw new Error(`The words of page ${number} could not be read (status ${answer.status}).`);
    const bytes = await answer.arrayBuffer();
    // Who does not know ranges gives the whole part.
    return wordsOf(await unpacked(answer.status === 206 ? bytes : bytes.slice(offset, offset + length)));
  }
}

async function unpacked(member: ArrayBuffer): Promise<ArrayBuffer> {
  const plain = new Blob([member]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(plain).arrayBuffer();
}

/** A line of JSON, then columns of little-endian whole numbers: four sides and confidence in millionths, line. */
export function wordsOf(content: ArrayBuffer): Word[] {
  const bytes = new Uint8Array(content);
  const end = bytes.indexOf(10);
  if (end < 0) throw new Error("The words of this page are damaged.");
  const { n, t } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as { n: number; t: string[] };
  const view = new DataView(content, end + 1);
  const at = (column: number, word: number) =>
    view.getInt32((column * t.length + word) * ENTRY, true) / MILLION;
  return t.map((text, word) => ({
    id: `${n}-${word}`,
    text,
    box: [at(0, word), at(1, word), at(2, word), at(3, word)],
    confidence: at(SIDES, word),
  }));
}
