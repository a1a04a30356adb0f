import { describe, expect, test } from "vitest";
import type { ReviewTask } from "../types";
import { checkHere } from "./check";
import { given, kindOf, nameOf } from "./given";
import { wordsOf } from "./words";

const field = (more: object = {}) => ({ ClassId: 0, Confidence: 0.1, SortOrder: 0, Value: "x", ...more });
const TASK: ReviewTask = {
  ReviewId: "r",
  TaskObject: "s3://b/folder/a.PDF",
  ModelResult: { Fields: { IBAN: field(), Note: field({ Optional: true }) } },
  FieldConfiguration: [
    { Name: "IBAN", Select: "first", Validators: [{ Name: "pattern", Pattern: "[A-Z]{2}(?P<rest>\\d+)" }] },
    {
      Name: "Note",
      Select: "first",
      Optional: true,
      Validators: ["not_empty", { Name: "length", Maximum: 3 }],
    },
    { Name: "Odd", Select: "first", Optional: true, Validators: [{ Name: "pattern", Pattern: "(?s:.)\\Z" }] },
  ],
};

describe("checks without a server", () => {
  test.each([
    ["DE12", true],
    ["de12", false],
    ["DE12x", false],
  ])("a pattern is for the whole value: %s", (value, complete) => {
    const answer = { "field-present-IBAN": true, "field-value-IBAN": value };
    expect(checkHere(answer, TASK).complete).toBe(complete);
    expect(checkHere({ ...answer, "field-confirmed-IBAN": "printed so" }, TASK).complete).toBe(true);
  });

  test("what is required is given or called absent; what nobody looked at is no fault", () => {
    expect(checkHere({}, TASK).complete).toBe(true);
    expect(checkHere({ "field-present-IBAN": true, "field-value-IBAN": "" }, TASK).problems).toEqual([
      { field: "IBAN", message: "IBAN is required: give it, or mark it as absent" },
    ]);
    expect(checkHere({ "field-present-IBAN": false }, TASK).complete).toBe(true);
  });

  test("length; a pattern that JavaScript cannot read is left to the pipeline", () => {
    expect(checkHere({ "field-value-Note": "1234" }, TASK).fields.Note?.values[0]?.failed).toHaveLength(1);
    expect(checkHere({ "field-value-Odd": "x" }, TASK).complete).toBe(true);
  });
});

describe("what A2I writes into the page", () => {
  function root(task: string, viewer = ""): HTMLElement {
    const element = document.createElement("div");
    element.dataset.task = task;
    element.dataset.pdfViewer = viewer;
    return element;
  }

  test("the task, escaped once or twice", async () => {
    const text = JSON.stringify(TASK);
    expect((await given(root(text))).task).toEqual(TASK);
    const twice = text.replaceAll("&", "&amp;").replaceAll('"', "&#34;").replaceAll("<", "&lt;");
    expect((await given(root(twice))).task).toEqual(TASK);
  });

  test("a PDF is shown as images where there is no PDF.js and there are some", async () => {
    const it = await given(root(JSON.stringify(TASK), "[[recto:pdf-viewer]]"));
    expect(it.pdfViewer).toBeNull();
    expect(kindOf(it)).toBe("pdf");
    expect(kindOf({ ...it, images: ["https://b/1.jpg"] })).toBe("images");
    expect(kindOf({ ...it, images: ["https://b/1.jpg"], pdfViewer: "https://b/pdf.js" })).toBe("pdf");
  });

  test.each([
    ["s3://b/folder/a.pdf", "a.pdf"],
    [{ Bucket: "b", Key: "x/y.png" }, "y.png"],
    [{ S3Uri: "s3://b/z.jpg" }, "z.jpg"],
    [null, ""],
  ])("the document's name %#", (object, name) => expect(nameOf(object)).toBe(name));
});

test("a page of the page store", () => {
  const head = new TextEncoder().encode(JSON.stringify({ n: 3, t: ["Größe", "42"] }) + "\n");
  const numbers = [
    100_000, 500_000, 200_000, 200_000, 300_000, 600_000, 250_000, 250_000, 990_000, 500_000, 0, 0,
  ];
  const content = new ArrayBuffer(head.length + numbers.length * 4);
  new Uint8Array(content).set(head);
  const view = new DataView(content, head.length);
  numbers.forEach((number, at) => view.setInt32(at * 4, number, true));
  expect(wordsOf(content)).toEqual([
    { id: "3-0", text: "Größe", box: [0.1, 0.2, 0.3, 0.25], confidence: 0.99 },
    { id: "3-1", text: "42", box: [0.5, 0.2, 0.6, 0.25], confidence: 0.5 },
  ]);
});
