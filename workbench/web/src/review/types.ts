/** What the parts of the review page pass to each other; see docs/review.md for what comes from the server. */

export interface BoundingBox {
  Top: number;
  Left: number;
  Height: number;
  Width: number;
}

export interface Verdict {
  [key: string]: unknown;
}

export interface Detection {
  ClassId: number;
  ClassName: string;
  Confidence: number;
  Blocks: string[];
  BoundingBox: BoundingBox;
  Boxes: BoundingBox[];
  PageNum: number;
  Text: string;
}

export interface FoundValue {
  Value: string;
  Confidence: number;
  NormalizedValue?: string;
  Alternatives?: string[];
  Flags?: string[];
  Page?: number;
  Boxes?: BoundingBox[];
  Verdicts?: Verdict[];
  Detections?: Detection[];
}

export interface Reason {
  Code: string;
  Field?: string;
  Message: string;
  Threshold?: number;
}

export interface FoundField extends Partial<FoundValue> {
  ClassId: number;
  Confidence: number;
  SortOrder: number;
  Type?: string;
  Optional?: boolean;
  Values?: FoundValue[];
  ReviewReasons?: Reason[];
}

export interface ReviewTask {
  ReviewId: string;
  TaskObject: string;
  ModelResult: { Fields: Record<string, FoundField>; ReviewReasons?: Reason[]; Confidence?: number };
  Document?: { DocumentId: string; Name: string; Kind: "pdf" | "images"; NumPages: number; Release: string };
  FieldConfiguration?: Record<string, unknown>[];
  Thresholds?: { Default: number; Fields: Record<string, number> };
  Audit?: boolean;
}

/** A word of the OCR; box = [left, top, right, bottom], 0-1 of its page. */
export interface Word {
  id: string;
  text: string;
  box: [number, number, number, number];
  confidence: number;
}

export interface PageContent {
  page: number;
  words: Word[];
  /** Link to the page's image; null where the document itself is shown. */
  image: string | null;
}

/** A place on a page that belongs to a field: what the viewer draws, and what a click on it names. */
export interface Mark {
  id: string;
  field: string;
  page: number;
  box: [number, number, number, number];
  colour: string;
  label: string;
  /** Of the value that the field has now; others are drawn fainter. */
  current: boolean;
}

/** What the viewer is given. Pages are fetched one at a time, when they are looked at. */
export interface ViewerDocument {
  kind: "pdf" | "images";
  url: string;
  pages: number;
  missing: boolean;
  /** Why it is missing. */
  message?: string;
}

export interface PageSource {
  page(number: number): Promise<PageContent>;
}

/** What the viewer tells: a mark was clicked, words were selected (in reading order), the document cannot be shown. */
export interface ViewerEvents {
  mark: [mark: Mark];
  words: [words: Word[], page: number];
  failed: [message: string];
  shown: [page: number];
}

export interface ValueCheck {
  value: string;
  normalized: string | null;
  alternatives: string[];
  flags: string[];
  parsed: boolean;
  failed: string[];
}

export interface Check {
  fields: Record<string, { values: ValueCheck[]; failed_rules: string[]; missing: boolean }>;
  complete: boolean;
  problems: { field: string | null; message: string }[];
}

export type Answer = Record<string, unknown>;

export interface Edit {
  at: string;
  field: string;
  from: string;
  to: string;
  how: "typed" | "words" | "absent" | "added" | "removed" | "restored" | "alternative";
}

/** Where a review comes from and goes to: the workbench's server, or the page that A2I puts it into. */
export interface ReviewSource extends PageSource {
  check(answer: Answer): Promise<Check>;
  saveDraft(answer: Answer, edits: Edit[]): Promise<{ saved: string; claimed_until: string | null }>;
  submit(answer: Answer, edits: Edit[], seconds: number): Promise<{ state: string }>;
  reject(reason: string, seconds: number): Promise<{ state: string }>;
}
