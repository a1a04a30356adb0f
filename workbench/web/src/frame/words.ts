// The words of a page out of Textract's JSON, and the text that lies in some boxes, in reading order.
import { bottom, coversHalf, type Rect, type Size } from "./geometry";

export interface Word extends Rect {
  text: string;
}

interface Block {
  BlockType?: string;
  Page?: number;
  Text?: string;
  Geometry?: { BoundingBox?: { Left?: number; Top?: number; Width?: number; Height?: number } };
}

export class OcrError extends Error {}

/** A page's words in pixels. A file that has one page only is taken for that page, whatever its number. */
export function pageWords(json: unknown, page: number, image: Size): Word[] {
  const blocks = allBlocks(json);
  const words = blocks.filter((block) => block.BlockType === "WORD");
  const pages = new Set(blocks.map((block) => block.Page ?? 1));
  if (pages.size > 1 && !pages.has(page)) {
    throw new OcrError(
      `the OCR file has no page ${page}, only ${[...pages].sort((a, b) => a - b).join(", ")}`,
    );
  }
  const wanted = pages.size > 1 ? words.filter((word) => (word.Page ?? 1) === page) : words;
  return wanted.flatMap((word) => inPixels(word, image));
}

function allBlocks(json: unknown): Block[] {
  const parts = Array.isArray(json) ? json : [json];
  const blocks = parts.flatMap((part) => {
    const found = (part as { Blocks?: unknown } | null)?.Blocks;
    return Array.isArray(found) ? (found as Block[]) : [];
  });
  if (
    blocks.length === 0 &&
    !parts.some((part) => Array.isArray((part as { Blocks?: unknown } | null)?.Blocks))
  ) {
    throw new OcrError('expected Textract\'s JSON with a list "Blocks"');
  }
  return blocks;
}

function inPixels(block: Block, image: Size): Word[] {
  const box = block.Geometry?.BoundingBox;
  if (!box) return [];
  return [
    {
      text: block.Text ?? "",
      left: (box.Left ?? 0) * image.width,
      top: (box.Top ?? 0) * image.height,
      width: (box.Width ?? 0) * image.width,
      height: (box.Height ?? 0) * image.height,
    },
  ];
}

/** The words with at least half their area inside one of the boxes, in reading order. */
export function wordsInside(words: readonly Word[], boxes: readonly Rect[]): Word[] {
  return inReadingOrder(words.filter((word) => boxes.some((box) => coversHalf(box, word))));
}

export const textInside = (words: readonly Word[], boxes: readonly Rect[]): string =>
  wordsInside(words, boxes)
    .map((word) => word.text)
    .join(" ");

/** Lines from the top, each from the left. Words are of one line if they share half of the lower one's height. */
export function inReadingOrder(words: readonly Word[]): Word[] {
  const lines: Word[][] = [];
  for (const word of [...words].sort((a, b) => middle(a) - middle(b))) {
    const line = lines.find((candidate) => candidate.some((other) => sameLine(other, word)));
    if (line) line.push(word);
    else lines.push([word]);
  }
  return lines.flatMap((line) => line.sort((a, b) => a.left - b.left));
}

const middle = (word: Word): number => word.top + word.height / 2;

function sameLine(a: Word, b: Word): boolean {
  const shared = Math.min(bottom(a), bottom(b)) - Math.max(a.top, b.top);
  return shared >= Math.min(a.height, b.height) / 2;
}
