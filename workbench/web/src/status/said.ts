/** Statuses, steps, times and notes as people say them. Nothing here knows a browser. */
import { instantOf, spoken } from "../shell/clock";
import { CODES } from "../review/server";
import type { Mark } from "../review/types";
import type { Cost, DocumentDetail, Entry, Noted, Status, Step } from "./server";

const SAID_STATUS: ReadonlyMap<string, string> = new Map([
  ["RECEIVED", "received"],
  ["BACKLOG", "in backlog"],
  ["WAITING", "waiting"],
  ["RUNNING", "running"],
  ["IN_REVIEW", "in review"],
  ["PROCESSED", "processed"],
  ["FAILED", "failed"],
  ["REJECTED", "rejected"],
]);

/** Words that the pipeline has none for yet are shown as they are. */
export function saidStatus(status: string): string {
  return SAID_STATUS.get(status) ?? status;
}

export type Look = "good" | "bad" | "wants" | "busy";

/** How a status looks: done, gone wrong, wants a person, or still on its way. */
export function lookOf(status: string): Look {
  if (status === "PROCESSED") return "good";
  if (status === "FAILED" || status === "REJECTED") return "bad";
  return status === "IN_REVIEW" ? "wants" : "busy";
}

/** Whether nothing more happens by itself. */
export function isSettled(status: Status): boolean {
  return status === "PROCESSED" || status === "FAILED" || status === "REJECTED";
}

const SAID_STEP: ReadonlyMap<string, string> = new Map([
  ["ocr", "OCR"],
  ["images", "page images"],
  ["model", "model"],
  ["postprocess", "postprocessing"],
  ["review", "review"],
  ["publish", "publishing"],
]);

export function saidStep(step: string): string {
  return SAID_STEP.get(step) ?? step;
}

/** What each step makes anew, and what it takes. */
export const OFFERED: readonly { step: Step; does: string }[] = [
  { step: "ocr", does: "everything anew; OCR is paid again" },
  { step: "model", does: "predictions and all after them, from the words that were read" },
  { step: "postprocess", does: "fields and all after them, from the predictions that are there" },
  { step: "review", does: "a new review of the fields, although nothing may ask for one" },
  { step: "publish", does: "the result and its event once more" },
];

/** How old something is, in its largest unit: a list is read at a glance. */
export function ageOf(time: string, now: number): string {
  const since = instantOf(time);
  if (since === null) return "";
  return spoken(Math.max(0, now - since))
    .split(" ")
    .slice(0, 2)
    .join(" ");
}

const CODE = new RegExp(`(^|, )(${Object.keys(CODES).join("|")})(?=[ ,]|$)`, "g");

/** Why a document waits, failed or was rejected: codes of reasons become words, errors stay as they are. */
export function saidReason(reason: string | null, status: Status): string {
  if (!reason || status !== "IN_REVIEW") return reason ?? "";
  return reason.replace(CODE, (_, before: string, code: string) => before + CODES[code]);
}

/** A duration: fractions of a second where it is short, two units where it is long. */
export function durationOf(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  const told = Math.max(0, seconds);
  if (told < 10) return `${told.toFixed(1)} s`;
  return spoken(Math.round(told) * 1000);
}

export function percentOf(confidence: number | null): string {
  // Rounded down: 99.6 % is not certain.
  return confidence === null ? "" : `${Math.floor(confidence * 100 + 1e-9)} %`;
}

export function countOf(count: number | undefined): string {
  if (count === undefined) return "";
  return count >= 1000 ? "1000+" : String(count);
}

export function bytesOf(size: number): string {
  if (size < 1000) return `${size} bytes`;
  const units = ["kB", "MB", "GB"];
  let told = size / 1000;
  while (told >= 1000 && units.length > 1) {
    told /= 1000;
    units.shift();
  }
  return `${told < 10 ? told.toFixed(1) : Math.round(told)} ${units[0]}`;
}

// ---- the timeline ------------------------------------------------------------------------------------

export interface Line {
  kind: Entry["kind"];
  what: string;
  when: string;
  duration: string;
  /** Whether it goes on. */
  isOpen: boolean;
  /** How long it took beside the longest of its kind, 0-1; null where it has no duration. */
  share: number | null;
  look: Look | null;
  notes: [name: string, value: string][];
}

/** A document's timeline as it is shown; `status` is what the document has now. */
export function linesOf(timeline: readonly Entry[], status: Status): Line[] {
  const longest = new Map<string, number>();
  for (const { kind, seconds } of timeline) longest.set(kind, Math.max(longest.get(kind) ?? 0, seconds ?? 0));
  const last = timeline.filter((entry) => entry.kind === "status").at(-1);
  return timeline.map((entry) => ({
    kind: entry.kind,
    what: entry.kind === "step" ? `${saidStep(entry.what)} done` : saidStatus(entry.what),
    when: entry.when,
    duration: durationOf(entry.seconds),
    isOpen: entry === last && entry.seconds !== null && !isSettled(status),
    share: entry.seconds === null ? null : entry.seconds / (longest.get(entry.kind) || 1),
    look: entry.kind === "status" ? lookOf(entry.what) : null,
    notes: Object.entries(entry.notes).map(([name, value]) => [saidName(name), saidNote(value)]),
  }));
}

/** `review_id` as `review id`. */
function saidName(name: string): string {
  return name.replaceAll("_", " ");
}

export function saidNote(value: Noted): string {
  if (Array.isArray(value)) return value.map(saidNote).join(", ");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([name, each]) => `${saidName(name)} ${saidNote(each)}`)
      .join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(Number(value.toFixed(4)));
  return String(value ?? "");
}

/** From the first moment to the end, or until now. */
export function wholeOf(timeline: readonly Entry[]): number | null {
  const changes = timeline.filter((entry) => entry.kind === "status");
  const [first, last] = [instantOf(changes[0]?.when ?? null), instantOf(changes.at(-1)?.when ?? null)];
  if (first === null || last === null) return null;
  return (last - first) / 1000 + (changes.at(-1)?.seconds ?? 0);
}

// ---- fields ------------------------------------------------------------------------------------------

/** Which of its field's values a box is of; `marksOf` names boxes by class, value and box. */
export function foundAt(mark: Mark): number {
  const at = Number(mark.id.split(".")[1]);
  return Number.isInteger(at) ? at : 0;
}

// ---- about the document ------------------------------------------------------------------------------

/** What was worked for, as pairs; money is AWS's to tell. */
export function costLines(cost: Cost): [name: string, value: string][] {
  const lines: [string, string][] = [];
  if (cost.pages !== null) lines.push(["Pages", String(cost.pages)]);
  if (cost.words !== null) lines.push(["Words", String(cost.words)]);
  lines.push(["OCR jobs", String(cost.ocr_jobs)]);
  if (cost.ocr_engine) lines.push(["OCR by", cost.ocr_engine]);
  if (cost.ocr_features?.length) lines.push(["OCR features", cost.ocr_features.join(", ")]);
  if (cost.dollars !== null) lines.push(["Dollars", cost.dollars.toFixed(4)]);
  return lines;
}

const FIELDS_ARE: ReadonlyMap<string | null, string> = new Map([
  ["published", "As published."],
  ["reviewed", "As a person answered; not published yet."],
  ["found", "As the model found them; not published yet."],
  ["superseded", "Of the earlier attempt: this one has none yet."],
]);

export function saidFields(state: DocumentDetail["fields_are"]): string {
  return FIELDS_ARE.get(state) ?? "";
}

const LINKS: ReadonlyMap<string, string> = new Map([
  ["execution", "The execution in AWS's console"],
  ["objects", "The document's objects in AWS's console"],
]);

export function saidLink(what: string): string {
  return LINKS.get(what) ?? what;
}

/** The address, if it is a page's: what a server says is not run. */
export function pageLink(url: string | null): string | null {
  if (!url) return null;
  try {
    return ["https:", "http:"].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}
