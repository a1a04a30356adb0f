import { expect, test } from "vitest";
import { decided, entities, followed, holding, readReviews, reviewAnswer, undone, EMPTY } from "./ocr-review";

const words = [
  { text: "TOTAL", left: 100, top: 100, width: 40, height: 12 },
  { text: "12.50", left: 145, top: 100, width: 35, height: 12 },
];
const box = (id: string, left: number, width: number, label = "Total") => ({
  id,
  label,
  left,
  top: 98,
  width,
  height: 16,
});
const uids = () => {
  let next = 0;
  return () => `u${(next += 1)}`;
};

test("the answer is that of the reference, field for field", () => {
  const boxes = [box("a", 98, 84), box("b", 300, 20, "Date")];
  const start = followed(boxes, EMPTY, uids());
  const [total, date] = entities(boxes, start.groups, words);
  const said = decided(decided(start, total!, "wrong", "12.60"), date!, "unclear");

  expect(reviewAnswer(entities(boxes, said.groups, words), said.reviews, ["Date", "Total"])).toEqual({
    "ocr-u1-meta": '{"label":"Total","labelId":1,"boxIxs":[0],"ocrText":"TOTAL 12.50"}',
    "ocr-u1-correct": { on: false },
    "ocr-u1-wrong": { on: true },
    "ocr-u1-unclear": { on: false },
    "ocr-u1-override": "12.60",
    "ocr-u2-meta": '{"label":"Date","labelId":0,"boxIxs":[1],"ocrText":""}',
    "ocr-u2-correct": { on: false },
    "ocr-u2-wrong": { on: false },
    "ocr-u2-unclear": { on: true },
  });
});

test("a decision holds only for the text and the label that it was made for", () => {
  const boxes = [box("a", 98, 84)];
  const start = followed(boxes, EMPTY, uids());
  const said = decided(start, entities(boxes, start.groups, words)[0]!, "correct");
  const narrower = [box("a", 98, 44)];
  const renamed = [box("a", 98, 84, "Other")];

  expect(holding(entities(boxes, said.groups, words)[0]!, said.reviews)).toBe("correct");
  expect(holding(entities(narrower, followed(narrower, said, uids()).groups, words)[0]!, said.reviews)).toBe(
    "",
  );
  expect(holding(entities(renamed, followed(renamed, said, uids()).groups, words)[0]!, said.reviews)).toBe(
    "",
  );
});

test("every transcription needs a decision, and a wrong one its text", () => {
  const boxes = [box("a", 98, 84)];
  const start = followed(boxes, EMPTY, uids());
  const entity = entities(boxes, start.groups, words)[0]!;

  expect(undone(entity, start.reviews)).toContain("say whether");
  expect(undone(entity, decided(start, entity, "wrong").reviews)).toContain("type the right text");
  expect(undone(entity, decided(start, entity, "wrong", "12.60").reviews)).toBeNull();
});

test("what was answered is read back, names and decisions", () => {
  const boxes = [box("a", 98, 84), box("b", 300, 20)];
  const start = followed(boxes, EMPTY, uids());
  const said = decided(start, entities(boxes, start.groups, words)[0]!, "wrong", "x");
  const answer = reviewAnswer(entities(boxes, said.groups, words), said.reviews, ["Total"]);
  const again = readReviews(answer, ["a", "b"]);

  expect(again.groups).toEqual(start.groups);
  expect(reviewAnswer(entities(boxes, again.groups, words), again.reviews, ["Total"])).toEqual(answer);
});
