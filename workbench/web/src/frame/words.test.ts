import { expect, test } from "vitest";
import { OcrError, pageWords, textInside } from "./words";

const word = (Text: string, Left: number, Top: number, Width: number, Height: number, Page?: number) => ({
  BlockType: "WORD",
  Text,
  ...(Page ? { Page } : {}),
  Geometry: { BoundingBox: { Left, Top, Width, Height } },
});
const PAGE = { width: 1000, height: 1000 };
const all = { left: 0, top: 0, width: 1000, height: 1000 };

test("words come in pixels of the picture", () => {
  expect(pageWords({ Blocks: [word("a", 0.1, 0.2, 0.05, 0.01)] }, 1, PAGE)).toEqual([
    { text: "a", left: 100, top: 200, width: 50, height: 10 },
  ]);
});

test("of several pages only the one asked for", () => {
  const json = { Blocks: [word("one", 0, 0, 0.1, 0.1, 1), word("two", 0, 0, 0.1, 0.1, 2)] };

  expect(pageWords(json, 2, PAGE).map((found) => found.text)).toEqual(["two"]);
  expect(() => pageWords(json, 3, PAGE)).toThrow("the OCR file has no page 3, only 1, 2");
});

test("a file of one page is that page, whatever its number", () => {
  expect(pageWords({ Blocks: [word("a", 0, 0, 0.1, 0.1)] }, 7, PAGE)).toHaveLength(1);
});

test.each([{}, null, { Blocks: "no" }, [{}], "text"])("what is no Textract JSON is refused: %j", (json) => {
  expect(() => pageWords(json, 1, PAGE)).toThrow(OcrError);
});

test("text is read line by line, although words of a line differ a little in height", () => {
  const words = pageWords(
    {
      Blocks: [
        word("world", 0.2, 0.101, 0.1, 0.02),
        word("next", 0.1, 0.15, 0.1, 0.02),
        word("Hello", 0.1, 0.105, 0.09, 0.02),
      ],
    },
    1,
    PAGE,
  );

  expect(textInside(words, [all])).toBe("Hello world next");
});

test("a word belongs to a box that holds at least half of it", () => {
  const words = pageWords(
    { Blocks: [word("in", 0.1, 0.1, 0.1, 0.02), word("out", 0.3, 0.1, 0.1, 0.02)] },
    1,
    PAGE,
  );

  expect(textInside(words, [{ left: 150, top: 90, width: 190, height: 40 }])).toBe("in");
});
