import { describe, expect, test } from "vitest";
import {
  answerOf,
  changed,
  editOf,
  fieldNamed,
  isChanged,
  markOf,
  marksOf,
  opened,
  statementOf,
  told,
  unlooked,
  withAnswer,
  type Change,
  type ReviewState,
} from "./model";
import type { ReviewTask } from "./types";

const BOX = { Top: 0.1, Left: 0.2, Height: 0.05, Width: 0.3 };

function detection(text: string, page = 1) {
  return {
    ClassId: 1,
    ClassName: "Total",
    Confidence: 0.6,
    Blocks: [],
    BoundingBox: BOX,
    Boxes: [BOX],
    PageNum: page,
    Text: text,
  };
}

function taskOf(fields: string, configuration?: Record<string, unknown>[], more: object = {}): ReviewTask {
  return {
    ReviewId: "r",
    TaskObject: "s3://b/k",
    // As it comes: JSON.parse makes even `__proto__` a key like others.
    ModelResult: { Fields: JSON.parse(fields), ...more },
    FieldConfiguration: configuration,
    Thresholds: { Default: 0.9, Fields: { Total: 0.95 } },
  };
}

const TOTAL = JSON.stringify({
  ClassId: 1,
  Confidence: 0.6,
  SortOrder: 1,
  Type: "money",
  Value: "12.30",
  Alternatives: ["1230", "12,30"],
  Page: 1,
  Detections: [detection("12.30"), detection("12.30", 2)],
  ReviewReasons: [
    { Code: "below_threshold", Field: "Total", Message: "0.60 is below 0.95", Threshold: 0.95 },
  ],
});
const ITEMS = JSON.stringify({
  ClassId: 2,
  Confidence: 0.99,
  SortOrder: 2,
  Values: [
    { Value: "Tea\npot", Confidence: 0.99, Detections: [detection("Tea\npot")] },
    { Value: "Cup", Confidence: 0.98 },
  ],
});
const MISSING = JSON.stringify({
  ClassId: 0,
  Confidence: 0,
  SortOrder: 0,
  Optional: true,
  Value: "",
  Detections: [],
});
const TASK = taskOf(`{"Total": ${TOTAL}, "Items": ${ITEMS}, "Date": ${MISSING}}`);

function after(state: ReviewState, ...changes: Change[]): ReviewState {
  return changes.reduce(changed, state);
}

describe("opening", () => {
  const state = opened(TASK);

  test("fields stand in their configured order, single and several told by the key", () => {
    expect(state.fields.map((field) => [field.name, field.isMulti])).toEqual([
      ["Date", false],
      ["Total", false],
      ["Items", true],
    ]);
    expect(fieldNamed(state, "Items")?.values.map((value) => value.text)).toEqual(["Tea pot", "Cup"]);
  });

  test("only what has a reason is doubtful, and its threshold is told", () => {
    expect(unlooked(state).map((field) => field.name)).toEqual(["Total"]);
    expect(fieldNamed(state, "Total")?.threshold).toBe(0.95);
    expect(fieldNamed(state, "Items")?.threshold).toBe(0.9);
  });

  test("the configuration decides what takes several values, whatever was found", () => {
    const told = opened(taskOf(`{"Items": ${MISSING}}`, [{ Name: "Items", Optional: true }]));
    expect(fieldNamed(told, "Items")?.isMulti).toBe(true);
    const one = opened(taskOf(`{"Total": ${TOTAL}}`, [{ Name: "Total", Select: "confidence" }]));
    expect(fieldNamed(one, "Total")?.isMulti).toBe(false);
  });

  test("a field that was not found at all is there by the configuration", () => {
    const told = opened(taskOf("{}", [{ Name: "IBAN", ClassId: 4, Select: "first", SortOrder: 0 }]));
    expect(told.fields.map((field) => [field.name, field.classId])).toEqual([["IBAN", 4]]);
  });

  test("tasks of others without reasons are judged by confidence and need", () => {
    const field = (share: number, value: string) =>
      JSON.stringify({ ClassId: 1, Confidence: share, SortOrder: 0, Value: value });
    const task = { ...taskOf(`{"A": ${field(0.99, "x")}, "B": ${field(0.4, "x")}, "C": ${field(0, "")}}`) };
    expect(unlooked(opened({ ...task, Thresholds: undefined })).map((one) => one.name)).toEqual(["B", "C"]);
  });

  test("an audit shows no value, asks for every field and says no reason", () => {
    const blind = opened({ ...TASK, Audit: true });
    expect(unlooked(blind)).toHaveLength(3);
    expect(blind.fields.flatMap((field) => [...field.reasons, ...field.found])).toEqual([]);
    expect(blind.fields.every((field) => field.values[0]?.text === "" && field.confidence === null)).toBe(
      true,
    );
  });
});

describe("changing", () => {
  const state = opened(TASK);

  test("nothing looked at, nothing answered; what is right is said with its value", () => {
    expect(answerOf(state)).toEqual({});
    expect(answerOf(after(state, { kind: "look", field: "Total" }))).toEqual({
      "field-present-Total": true,
      "field-value-Total": "12.30",
    });
  });

  test("a correction, an absence and what it was before", () => {
    const typed = after(state, { kind: "type", field: "Total", at: 0, text: " 12.80 " });
    expect(answerOf(typed)).toEqual({ "field-present-Total": true, "field-value-Total": "12.80" });
    const absent = after(typed, { kind: "absent", field: "Total" });
    expect(answerOf(absent)).toEqual({ "field-present-Total": false });
    expect(answerOf(after(absent, { kind: "absent", field: "Total" }))).toEqual(answerOf(typed));
    expect(answerOf(after(absent, { kind: "restore", field: "Total" }))).toEqual({});
  });

  test("several values: added, removed, numbered anew without gaps", () => {
    const added = after(
      state,
      { kind: "add", field: "Items" },
      { kind: "type", field: "Items", at: 2, text: "Spoon" },
      { kind: "remove", field: "Items", at: 0 },
    );
    expect(answerOf(added)).toEqual({
      "field-present-Items": true,
      "field-multival-0-Items": "Cup",
      "field-multival-1-Items": "Spoon",
    });
    const ids = fieldNamed(added, "Items")?.values.map((value) => value.id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    const none = after(
      state,
      { kind: "remove", field: "Items", at: 0 },
      { kind: "remove", field: "Items", at: 0 },
    );
    expect(answerOf(none)).toEqual({ "field-present-Items": true, "field-multival-0-Items": "" });
  });

  test("one more value is for fields that take several", () => {
    expect(after(state, { kind: "add", field: "Total" })).toBe(state);
    expect(after(state, { kind: "type", field: "Nobody", at: 0, text: "x" })).toBe(state);
  });

  test("an optional field left empty and called right is not in the document", () => {
    expect(answerOf(after(state, { kind: "look", field: "Date" }))).toEqual({ "field-present-Date": false });
  });

  test("another reading, and words from the page with their place", () => {
    const option = fieldNamed(state, "Total")?.options[1];
    expect(option).toBeDefined();
    const taken = after(state, { kind: "choose", field: "Total", at: 0, option: option! });
    expect(told(fieldNamed(taken, "Total"))).toBe("12,30");
    const words = after(state, {
      kind: "words",
      field: "Date",
      at: 0,
      text: "1 May",
      places: [{ page: 3, box: [0.1, 0.1, 0.2, 0.2] }],
    });
    expect(markOf(words, "Date", 0)).toMatchObject({ page: 3, box: [0.1, 0.1, 0.2, 0.2], current: true });
  });

  test("a reason for a value that breaks a rule goes with the answer", () => {
    const told = after(state, { kind: "confirm", field: "Total", reason: " it is printed so " });
    expect(answerOf(told)["field-confirmed-Total"]).toBe("it is printed so");
  });

  test("the history says what was and what is, and nothing where nothing changed", () => {
    const change: Change = { kind: "type", field: "Total", at: 0, text: "13" };
    expect(editOf(state, changed(state, change), change, "now")).toEqual({
      at: "now",
      field: "Total",
      from: "12.30",
      to: "13",
      how: "typed",
    });
    const look: Change = { kind: "look", field: "Total" };
    expect(editOf(state, changed(state, look), look, "now")).toBeNull();
    expect(isChanged(fieldNamed(state, "Items")!)).toBe(false);
  });
});

describe("names may be anything", () => {
  const NAMES = [
    "field-value-Total",
    "multi-0-word",
    'say "hi" <b>',
    "Größe ½",
    "__proto__",
    "constructor",
    "a.b",
  ];
  const fields = `{${NAMES.map(
    (name, at) =>
      `${JSON.stringify(name)}: {"ClassId": ${at}, "Confidence": 0.1, "SortOrder": ${at}, "Values": [{"Value": "v${at}", "Confidence": 0.1}]}`,
  ).join(",")}}`;
  const state = opened(taskOf(fields));

  test("each is answered under its own name and read back", () => {
    expect(state.fields.map((field) => field.name)).toEqual(NAMES);
    const typed = NAMES.reduce(
      (now, field, at) => changed(now, { kind: "type", field, at: 0, text: `new ${at}` }),
      state,
    );
    const answer = answerOf(typed);
    expect(Object.keys(answer)).toHaveLength(2 * NAMES.length);
    NAMES.forEach((name, at) =>
      expect(statementOf(answer, name)).toEqual({ values: [`new ${at}`], isAbsent: false }),
    );
    const again = withAnswer(state, JSON.parse(JSON.stringify(answer)));
    expect(answerOf(again)).toEqual(answer);
    expect(unlooked(again)).toEqual([]);
  });
});

describe("opinions", () => {
  const ana = { who: "ana", answer: { "field-present-Total": true, "field-value-Total": "12.30" } };
  const ben = { who: "ben", answer: { store: { "field-present-Total": { checked: false } } } };
  const eva = {
    who: "eva",
    answer: {
      "field-present-Total": { on: true },
      "field-value-Total": "12.30",
      "field-multival-0-Items": "Cup",
    },
  };

  test("those who agree stand together, and only what differs is doubtful", () => {
    const state = opened(TASK, [ana, ben, eva]);
    expect(fieldNamed(state, "Total")?.options).toEqual([
      { who: ["ana", "eva"], values: ["12.30"], isAbsent: false },
      { who: ["ben"], values: [], isAbsent: true },
    ]);
    expect(unlooked(state).map((field) => field.name)).toEqual(["Total"]);
    expect(told(fieldNamed(state, "Items"))).toBe("Cup");
  });

  test("one key takes an opinion, be it an absence", () => {
    const state = opened(TASK, [ana, ben]);
    const [first, second] = fieldNamed(state, "Total")!.options;
    const absent = changed(state, { kind: "choose", field: "Total", at: 0, option: second! });
    expect(answerOf(absent)).toEqual({ "field-present-Total": false });
    const present = changed(absent, { kind: "choose", field: "Total", at: 0, option: first! });
    expect(answerOf(present)).toEqual({ "field-present-Total": true, "field-value-Total": "12.30" });
  });
});

describe("places", () => {
  test("every detection is marked on its page; what is no more said is faint", () => {
    const state = opened(TASK);
    expect(marksOf(state).map((mark) => [mark.field, mark.page, mark.current])).toEqual([
      ["Total", 1, true],
      ["Total", 2, true],
      ["Items", 1, true],
    ]);
    const typed = changed(state, { kind: "type", field: "Total", at: 0, text: "13" });
    expect(marksOf(typed).map((mark) => mark.current)).toEqual([false, false, true]);
    expect(markOf(typed, "Total", 0)?.page).toBe(1);
    expect(marksOf(state)[0]?.box).toEqual([0.2, 0.1, 0.5, 0.15000000000000002]);
  });
});

test("a task without a result has the fields that are configured, and one without anything has none", () => {
  const bare = { ReviewId: "r", TaskObject: "s3://b/k" } as unknown as ReviewTask;

  expect(opened({ ...bare, FieldConfiguration: [{ Name: "Total", ClassId: 0 }] }).fields).toMatchObject([
    { name: "Total", isDoubtful: true, values: [{ text: "" }] },
  ]);
  expect(opened({} as unknown as ReviewTask).fields).toEqual([]);
});
