/** Text looked for in the words of a document, page by page: no more pages are read than it takes to find it. */
import type { PageContent, Word } from "../types";

export interface Found {
  page: number;
  words: Word[];
}

/** The same for letters of either case, whatever their width or ligature. */
function plain(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/** Every place of a text in a page's words; a text may run over several words. */
export function places(words: readonly Word[], text: string): Word[][] {
  const wanted = plain(text);
  if (!wanted) return [];
  let whole = "";
  const starts = words.map((word) => {
    const start = whole.length;
    whole += `${plain(word.text)} `;
    return start;
  });
  const found: Word[][] = [];
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) {
    const first = lastAtMost(starts, at);
    const last = lastAtMost(starts, at + wanted.length - 1);
    found.push(words.slice(first, last + 1));
  }
  return found;
}

function lastAtMost(starts: readonly number[], at: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

export interface Looking {
  text: string;
  pages: number;
  /** What was found last, so that the search goes on behind it; else the page to begin with. */
  from: { page: number; first: Word | null };
  backwards: boolean;
}

/** The next place after (or before) the last one, around the end of the document; null where there is none. */
export async function findNext(
  looking: Looking,
  read: (page: number) => Promise<PageContent>,
  isOver: () => boolean,
): Promise<Found | null> {
  const { text, pages, from, backwards } = looking;
  const by = backwards ? -1 : 1;
  for (let turn = 0; turn <= pages && !isOver(); turn += 1) {
    const page = ((((from.page - 1 + by * turn) % pages) + pages) % pages) + 1;
    const found = places((await read(page)).words, text);
    const behind = turn === 0 ? beyond(found, from.first, backwards) : found;
    const next = backwards ? behind.at(-1) : behind[0];
    if (next) return { page, words: next };
  }
  return null;
}

/** The places of one page that come after (before) the one that begins with `first`. */
function beyond(found: Word[][], first: Word | null, backwards: boolean): Word[][] {
  const at = first ? found.findIndex((words) => words[0]?.id === first.id) : -1;
  if (at < 0) return found;
  return backwards ? found.slice(0, at) : found.slice(at + 1);
}
