/**
 * What one person makes of a review: its fields, their values, why each is here, and the answer that is sent.
 *
 * Nothing here knows a browser or a server. A state is never changed: each change gives the next one, so undo is
 * a list of states. Fields are found by comparing their names and never by taking keys apart: a name may hold
 * hyphens, quotes, or be `__proto__`.
 */
import type {
  Answer,
  BoundingBox,
  Detection,
  Edit,
  FoundField,
  FoundValue,
  Mark,
  Reason,
  ReviewTask,
} from "./types";
import { COLOURS } from "./viewer/colours";

export type Box = Mark["box"];

/** Where on the document a value stands. */
export interface Place {
  page: number;
  box: Box;
}

export interface ValueState {
  /** Stays with the value while others come and go. */
  id: number;
  text: string;
  /** Of words that were selected; what the model found keeps its own detections. */
  places: Place[];
}

/** What may be put into a field by one key: another reading, another place, another reviewer's answer. */
export interface Option {
  /** Reviewers who say so; empty for what the model offers. */
  who: string[];
  values: string[];
  isAbsent: boolean;
}

export interface FieldState {
  name: string;
  classId: number;
  colour: string;
  type: string;
  isMulti: boolean;
  isOptional: boolean;
  /** Of what was found; null where nothing was, and in an audit. */
  confidence: number | null;
  /** Below this a person looks; null where the task names none. */
  threshold: number | null;
  reasons: Reason[];
  /** Whether a person has to look; the rest is folded. */
  isDoubtful: boolean;
  found: FoundValue[];
  options: Option[];
  values: ValueState[];
  isAbsent: boolean;
  /** Why a value that breaks a rule is right all the same. */
  confirmed: string;
  /** Whether the person has said something about it, be it only "right". */
  isLooked: boolean;
}

export interface ReviewState {
  fields: FieldState[];
  isAudit: boolean;
  /** Reasons that concern the whole document. */
  reasons: Reason[];
  nextId: number;
}

export interface Opinion {
  who: string;
  answer: Answer;
}

export type Change =
  | { kind: "type"; field: string; at: number; text: string }
  | { kind: "words"; field: string; at: number; text: string; places: Place[] }
  | { kind: "add"; field: string }
  | { kind: "remove"; field: string; at: number }
  | { kind: "absent"; field: string }
  | { kind: "restore"; field: string }
  | { kind: "choose"; field: string; at: number; option: Option }
  | { kind: "confirm"; field: string; reason: string }
  | { kind: "look"; field: string };

const PRESENT = "field-present-";
const VALUE = "field-value-";
const MULTI = "field-multival-";
const CONFIRMED = "field-confirmed-";
/** What counts as doubtful where a task says nothing of thresholds or reasons: the reference's one. */
const USUAL_THRESHOLD = 0.5;

// ---- opening -----------------------------------------------------------------------------------------

/** The state in which a review opens; `opinions` only where reviewers disagreed. */
export function opened(task: ReviewTask, opinions: Opinion[] = []): ReviewState {
  const isAudit = task.Audit === true;
  // A task of others may have none, and one whose input is gone has nothing.
  const result: Partial<ReviewTask["ModelResult"]> = task.ModelResult ?? {};
  const found = new Map(Object.entries(result.Fields ?? {}));
  const configured = new Map((task.FieldConfiguration ?? []).map((one) => [String(one.Name), one]));
  const names = [...new Set([...found.keys(), ...configured.keys()])];
  const hasReasons =
    result.ReviewReasons !== undefined || [...found.values()].some((one) => one.ReviewReasons !== undefined);
  let nextId = 1;
  const fields = names.map((name, order) => {
    const field = fieldOf(name, found.get(name), configured.get(name), task, order);
    const values = isAudit ? [] : texts(field.found);
    const reasons = isAudit ? [] : reasonsOf(name, found.get(name), result.ReviewReasons ?? []);
    return {
      ...field,
      found: isAudit ? [] : field.found,
      confidence: isAudit || field.found.length === 0 ? null : field.confidence,
      reasons,
      isDoubtful: isAudit || reasons.length > 0 || (!hasReasons && isUnsure(field)),
      values: withOne(values.map((text) => ({ id: nextId++, text, places: [] }))).map((one) =>
        one.id ? one : { ...one, id: nextId++ },
      ),
    };
  });
  fields.sort((a, b) => a.sortOrder - b.sortOrder);
  const state = {
    fields: fields.map(({ sortOrder: _, ...field }) => field),
    isAudit,
    reasons: isAudit ? [] : (result.ReviewReasons ?? []).filter((reason) => !reason.Field),
    nextId,
  };
  return opinions.length ? toAdjudicate(state, opinions) : state;
}

type Bare = Omit<FieldState, "values"> & { sortOrder: number };

function fieldOf(
  name: string,
  found: FoundField | undefined,
  configured: Record<string, unknown> | undefined,
  task: ReviewTask,
  order: number,
): Bare {
  const classId = found?.ClassId ?? Number(configured?.ClassId ?? order);
  const values = foundValues(found);
  return {
    name,
    classId,
    colour: COLOURS[Math.abs(classId) % COLOURS.length] ?? COLOURS[0],
    type: String(found?.Type ?? configured?.Type ?? "text"),
    // The configuration decides; a result without one tells by its key, never by whether there are any.
    isMulti: configured ? (configured.Select ?? null) === null : found?.Values !== undefined,
    isOptional: Boolean(found?.Optional ?? configured?.Optional ?? false),
    confidence: found?.Confidence ?? null,
    threshold: thresholdOf(name, configured, task),
    reasons: [],
    isDoubtful: false,
    found: values,
    options: optionsOf(values),
    isAbsent: false,
    confirmed: "",
    isLooked: false,
    sortOrder: Number(configured?.SortOrder ?? found?.SortOrder ?? order),
  };
}

function foundValues(found: FoundField | undefined): FoundValue[] {
  if (!found) return [];
  if (found.Values) return found.Values;
  return found.Value ? [{ ...found, Value: found.Value, Confidence: found.Confidence }] : [];
}

function texts(found: FoundValue[]): string[] {
  // An input has one line; the server knows the model's own text again by it.
  return found.map((one) => one.Value.replace(/\s*\n\s*/g, " "));
}

function withOne(values: ValueState[]): ValueState[] {
  return values.length ? values : [{ id: 0, text: "", places: [] }];
}

function thresholdOf(
  name: string,
  configured: Record<string, unknown> | undefined,
  task: ReviewTask,
): number | null {
  const own = Object.entries(task.Thresholds?.Fields ?? {}).find(([field]) => field === name)?.[1];
  const byHand = configured?.ReviewThreshold;
  return typeof byHand === "number" ? byHand : (own ?? task.Thresholds?.Default ?? null);
}

function reasonsOf(name: string, found: FoundField | undefined, all: Reason[]): Reason[] {
  const named = [...(found?.ReviewReasons ?? []), ...all.filter((reason) => reason.Field === name)];
  return named.filter(
    (reason, at) =>
      named.findIndex((other) => other.Code === reason.Code && other.Message === reason.Message) === at,
  );
}

/** For tasks of others, which give no reasons. */
function isUnsure(field: Bare): boolean {
  if (field.found.length === 0) return !field.isOptional;
  return (field.confidence ?? 0) < (field.threshold ?? USUAL_THRESHOLD);
}

/** Other readings of the same print. What stands elsewhere is picked on the page. */
function optionsOf(values: FoundValue[]): Option[] {
  const offered = values.flatMap((one) => one.Alternatives ?? []);
  return [...new Set(offered)].slice(0, 9).map((text) => ({ who: [], values: [text], isAbsent: false }));
}

// ---- opinions ----------------------------------------------------------------------------------------

/** What an answer says about one field; null where it does not speak of it. */
export function statementOf(answer: Answer, name: string): { values: string[]; isAbsent: boolean } | null {
  const posted = flat(answer);
  const present = posted.get(PRESENT + name);
  const single = posted.get(VALUE + name);
  const many = [...posted]
    .map(([key, value]) => ({ at: placeIn(key, name), value }))
    .filter((one) => one.at !== null)
    .sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  const values = [...(single === undefined ? [] : [single]), ...many.map((one) => one.value)]
    .map((value) => String(value ?? "").trim())
    .filter((text) => text !== "");
  if (present === undefined && single === undefined && many.length === 0) return null;
  return { values, isAbsent: present !== undefined && !isTrue(present) };
}

function placeIn(key: string, name: string): number | null {
  if (!key.startsWith(MULTI)) return null;
  const rest = key.slice(MULTI.length);
  const dash = rest.indexOf("-");
  const number = rest.slice(0, dash);
  return dash > 0 && /^\d+$/.test(number) && rest.slice(dash + 1) === name ? Number(number) : null;
}

function flat(answer: Answer): Map<string, unknown> {
  const store = answer.store;
  const inner = typeof store === "string" ? (JSON.parse(store) as unknown) : store;
  const under = typeof inner === "object" && inner !== null ? Object.entries(inner) : [];
  return new Map([...Object.entries(answer), ...under]);
}

function isTrue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    const told = value as { checked?: unknown; on?: unknown };
    return isTrue(told.checked ?? told.on ?? false);
  }
  return typeof value === "string" ? ["true", "on", "yes"].includes(value.toLowerCase()) : value === true;
}

const DISPUTED: Reason = {
  Code: "reviewers_disagree",
  Message: "Reviewers disagree: take an answer by Alt and its number, or type another.",
};

/** Fields on which the opinions differ are the doubtful ones; what all say stands already. */
function toAdjudicate(state: ReviewState, opinions: Opinion[]): ReviewState {
  let nextId = state.nextId;
  const fields = state.fields.map((field) => {
    const said = gathered(field, opinions);
    const only = said.length === 1 ? said[0] : undefined;
    const isDisputed = said.length > 1;
    const next: FieldState = {
      ...field,
      options: said,
      // What was doubtful and nobody spoke of is doubtful still.
      isDoubtful: isDisputed || (said.length === 0 && field.isDoubtful),
      reasons: isDisputed ? [DISPUTED] : field.reasons,
    };
    if (!only) return next;
    const values = withOne(only.values.map((text) => ({ id: nextId++, text, places: [] })));
    return { ...next, isAbsent: only.isAbsent, isLooked: true, values };
  });
  return { ...state, fields, isAudit: false, nextId };
}

function gathered(field: FieldState, opinions: Opinion[]): Option[] {
  const options: Option[] = [];
  for (const { who, answer } of opinions) {
    const said = statementOf(answer, field.name);
    if (!said) continue;
    const isAbsent = said.isAbsent || said.values.length === 0;
    const key = JSON.stringify([...said.values].sort());
    const same = options.find(
      (one) => one.isAbsent === isAbsent && JSON.stringify([...one.values].sort()) === key,
    );
    if (same) same.who.push(who);
    else options.push({ who: [who], values: isAbsent ? [] : said.values, isAbsent });
  }
  return options;
}

/** The state with what was answered before: a draft, or an answer that is opened again. */
export function withAnswer(state: ReviewState, answer: Answer): ReviewState {
  let nextId = state.nextId;
  const posted = flat(answer);
  const fields = state.fields.map((field) => {
    const said = statementOf(answer, field.name);
    const confirmed = String(posted.get(CONFIRMED + field.name) ?? field.confirmed);
    if (!said) return confirmed === field.confirmed ? field : { ...field, confirmed };
    const values = (field.isMulti ? said.values : said.values.slice(0, 1)).map((text) => ({
      id: nextId++,
      text,
      places: [],
    }));
    const kept = said.isAbsent && values.length === 0 ? field.values : withOne(values);
    return { ...field, values: kept, isAbsent: said.isAbsent, isLooked: true, confirmed };
  });
  return { ...state, fields, nextId };
}

// ---- changing ----------------------------------------------------------------------------------------

export function fieldNamed(state: ReviewState, name: string): FieldState | undefined {
  return state.fields.find((field) => field.name === name);
}

/** The next state; the same one where nothing changes. */
export function changed(state: ReviewState, change: Change): ReviewState {
  const field = fieldNamed(state, change.field);
  if (!field) return state;
  const next = changedField(field, change, state);
  if (next === field) return state;
  return {
    ...state,
    fields: state.fields.map((one) => (one === field ? next : one)),
    nextId: state.nextId + Math.max(1, next.values.length),
  };
}

function changedField(field: FieldState, change: Change, state: ReviewState): FieldState {
  const looked = { ...field, isLooked: true };
  switch (change.kind) {
    case "look":
      return field.isLooked ? field : withAbsence(looked);
    case "confirm":
      return field.confirmed === change.reason ? field : { ...looked, confirmed: change.reason };
    case "type":
      if (field.values[change.at]?.text === change.text && !field.isAbsent) return field;
      return filled(looked, change.at, change.text, []);
    case "words":
      return filled(looked, change.at, change.text, change.places);
    case "add":
      if (!field.isMulti) return field;
      return {
        ...looked,
        isAbsent: false,
        values: [...field.values, { id: state.nextId, text: "", places: [] }],
      };
    case "remove":
      return {
        ...looked,
        values: withOne(field.values.filter((_, at) => at !== change.at)).map((one) =>
          one.id ? one : { ...one, id: state.nextId },
        ),
      };
    case "absent":
      return { ...looked, isAbsent: !field.isAbsent };
    case "restore":
      return restored(field, state.nextId);
    case "choose":
      return chosen(looked, change.at, change.option, state.nextId);
  }
}

/** "Right" over an optional field without a value means that the document does not have it. */
function withAbsence(field: FieldState): FieldState {
  const isEmpty = field.values.every((value) => value.text.trim() === "");
  return isEmpty && field.isOptional ? { ...field, isAbsent: true } : field;
}

function filled(field: FieldState, at: number, text: string, places: Place[]): FieldState {
  const values = field.values.map((value, index) => (index === at ? { ...value, text, places } : value));
  return { ...field, isAbsent: false, values };
}

function restored(field: FieldState, nextId: number): FieldState {
  const values = withOne(texts(field.found).map((text, at) => ({ id: nextId + at, text, places: [] })));
  return {
    ...field,
    isAbsent: false,
    isLooked: false,
    confirmed: "",
    values: values.map((one) => (one.id ? one : { ...one, id: nextId })),
  };
}

function chosen(field: FieldState, at: number, option: Option, nextId: number): FieldState {
  if (option.isAbsent) return { ...field, isAbsent: true };
  // What a reviewer says is the whole field; what the model offers is one value of it.
  if (option.who.length === 0) return filled(field, at, option.values[0] ?? "", []);
  const texts = field.isMulti ? option.values : option.values.slice(0, 1);
  const values = texts.map((text, index) => ({ id: nextId + index, text, places: [] }));
  return { ...field, isAbsent: false, values: values.length ? values : field.values };
}

const HOW: Record<Exclude<Change["kind"], "confirm" | "look">, Edit["how"]> = {
  type: "typed",
  words: "words",
  add: "added",
  remove: "removed",
  absent: "absent",
  restore: "restored",
  choose: "alternative",
};

/** What the history says of a change; null for one that leaves the values as they were. */
export function editOf(before: ReviewState, after: ReviewState, change: Change, at: string): Edit | null {
  if (change.kind === "confirm" || change.kind === "look") return null;
  const from = told(fieldNamed(before, change.field));
  const to = told(fieldNamed(after, change.field));
  return from === to ? null : { at, field: change.field, from, to, how: HOW[change.kind] };
}

/** A field's values as the history shows them, one a line; empty where it is absent. */
export function told(field: FieldState | undefined): string {
  if (!field || field.isAbsent) return "";
  return field.values
    .map((value) => value.text.trim())
    .filter((text) => text !== "")
    .join("\n");
}

// ---- answering ---------------------------------------------------------------------------------------

/** Of the fields that the person has spoken about; of all others the model's result stays. */
export function answerOf(state: ReviewState): Answer {
  const pairs: [string, unknown][] = [];
  for (const field of state.fields) {
    if (!field.isLooked) continue;
    pairs.push([PRESENT + field.name, !field.isAbsent]);
    if (!field.isAbsent) pairs.push(...valuesOf(field));
    if (field.confirmed.trim()) pairs.push([CONFIRMED + field.name, field.confirmed.trim()]);
  }
  return Object.fromEntries(pairs);
}

/** All that the inputs hold, looked at or not: what is checked while the person types. */
export function answerOfAll(state: ReviewState): Answer {
  return answerOf({ ...state, fields: state.fields.map((field) => ({ ...field, isLooked: true })) });
}

function valuesOf(field: FieldState): [string, unknown][] {
  const given = field.values.map((value) => value.text.trim());
  if (!field.isMulti) return [[VALUE + field.name, given[0] ?? ""]];
  const several = given.filter((text) => text !== "");
  // Without any the field has to be there all the same: no value is an answer, silence is none.
  return (several.length ? several : [""]).map((text, at) => [`${MULTI}${at}-${field.name}`, text]);
}

/** Doubtful fields that the person has not looked at. */
export function unlooked(state: ReviewState): FieldState[] {
  return state.fields.filter((field) => field.isDoubtful && !field.isLooked);
}

/** Whether the field says something else than the model did. */
export function isChanged(field: FieldState): boolean {
  return (
    field.isAbsent ||
    told(field) !==
      texts(field.found)
        .map((text) => text.trim())
        .join("\n")
  );
}

// ---- places ------------------------------------------------------------------------------------------

/** Every place that a field names, for the viewer: what was found, and where words were selected. */
export function marksOf(state: ReviewState): Mark[] {
  return state.fields.flatMap(marksOfField);
}

/** While one types, all fields but one stay as they are, and so do their marks. */
const made = new WeakMap<FieldState, Mark[]>();

function marksOfField(field: FieldState): Mark[] {
  const known = made.get(field);
  if (known) return known;
  const marks = [...foundMarks(field), ...selectedMarks(field)];
  made.set(field, marks);
  return marks;
}

function foundMarks(field: FieldState): Mark[] {
  const now = new Set(field.isAbsent ? [] : field.values.map((value) => value.text.trim()));
  const marks: Mark[] = [];
  field.found.forEach((value, at) => {
    const text = texts([value])[0]?.trim() ?? "";
    placesOf(value).forEach((place, index) =>
      marks.push({
        id: `${field.classId}.${at}.${index}`,
        field: field.name,
        page: place.page,
        box: place.box,
        colour: field.colour,
        label: `${field.name}: ${text}`,
        current: now.has(text),
      }),
    );
  });
  return marks;
}

function selectedMarks(field: FieldState): Mark[] {
  if (field.isAbsent) return [];
  return field.values.flatMap((value) =>
    value.places.map((place, index) => ({
      id: `${field.classId}.w${value.id}.${index}`,
      field: field.name,
      page: place.page,
      box: place.box,
      colour: field.colour,
      label: `${field.name}: ${value.text}`,
      current: true,
    })),
  );
}

function placesOf(value: FoundValue): Place[] {
  const detections = value.Detections ?? [];
  if (detections.length) return detections.flatMap(placesOfDetection);
  return (value.Boxes ?? []).map((box) => ({ page: value.Page ?? 1, box: boxOf(box) }));
}

function placesOfDetection(detection: Detection): Place[] {
  const boxes = detection.Boxes?.length ? detection.Boxes : [detection.BoundingBox];
  return boxes.filter(Boolean).map((box) => ({ page: detection.PageNum, box: boxOf(box) }));
}

function boxOf(box: BoundingBox): Box {
  return [box.Left, box.Top, box.Left + box.Width, box.Top + box.Height];
}

/** The mark to show for a value: its own selected words, else where it was found, else any place of the field. */
export function markOf(state: ReviewState, name: string, at: number): Mark | null {
  const field = fieldNamed(state, name);
  if (!field) return null;
  const value = field.values[at];
  const marks = marksOfField(field);
  const text = value?.text.trim() ?? "";
  return (
    marks.find((mark) => value && mark.id.startsWith(`${field.classId}.w${value.id}.`)) ??
    marks.find((mark) => mark.label === `${field.name}: ${text}`) ??
    marks[0] ??
    null
  );
}
