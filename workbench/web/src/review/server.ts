/** Reviews as the workbench's server has them (docs/review.md, "HTTP API"), and the source of one of them. */
import { ApiError, request } from "../shell/api";
import type { Answer, Check, Edit, PageContent, ReviewSource, ReviewTask, ViewerDocument } from "./types";

export type ReviewKind = "review" | "audit" | "adjudication";
export type Can = "claim" | "release" | "submit" | "reject" | "reopen" | "note";
export type Shown = "open" | "mine" | "adjudicate" | "closed" | "expired";

export interface Item {
  id: string;
  kind: ReviewKind;
  name: string;
  document_id: string;
  state: string;
  created: string;
  expires: string | null;
  pages: number;
  reasons: { code: string; field: string | null }[];
  num_reasons: number;
  answers: number;
  wanted: number;
  claims: { name: string; until: string }[];
  mine: boolean;
  escalated: boolean;
  flow: string;
  native: boolean;
}

export interface Noted {
  who: string;
  when: string;
  text: string;
}

export interface Happened {
  who: string;
  when: string;
  what: string;
  /** Why, or of what, where there is no field. */
  text?: string | null;
  field?: string | null;
  from?: string | null;
  to?: string | null;
}

export interface Review extends Item {
  task: ReviewTask | null;
  task_url: string | null;
  document: ViewerDocument;
  draft: { answer: Answer; saved: string } | null;
  claimed_until: string | null;
  notes: Noted[];
  history: Happened[];
  opinions: { who: string; answer: Answer }[];
  refusal: string | null;
  can: Can[];
  frame: string | null;
  nonce: string | null;
}

export interface Listing {
  reviews: Item[];
  next: string | null;
  counts: Partial<Record<"open" | "mine" | "adjudicate" | "escalated", number>>;
}

const of = (id: string) => `/api/reviews/${encodeURIComponent(id)}`;

export const reviews = {
  list: (state: Shown, search: string, next: string | null) => {
    const asked = new URLSearchParams({ state });
    if (search) asked.set("search", search);
    if (next) asked.set("next", next);
    return request<Listing>("GET", `/api/reviews?${asked}`);
  },
  next: () => request<{ review: string | null }>("POST", "/api/reviews/next"),
  get: (id: string) => request<Review>("GET", of(id)),
  claim: (id: string) => request<{ claimed_until: string }>("POST", `${of(id)}/claim`),
  release: (id: string) => request<{ state: string }>("POST", `${of(id)}/release`),
  reopen: (id: string) => request<{ state: string }>("POST", `${of(id)}/reopen`),
  note: (id: string, text: string) =>
    request<{ notes: Noted[] }>("POST", `${of(id)}/notes`, { body: { text } }),
  submitFrame: (id: string, nonce: string, answer: Answer, seconds: number) =>
    request<{ state: string }>("POST", `${of(id)}/submit`, { body: { nonce, answer, edits: [], seconds } }),
  saveDraft: (id: string, answer: Answer, edits: Edit[]) =>
    request<{ saved: string; claimed_until: string | null }>("PUT", `${of(id)}/draft`, {
      body: { answer, edits },
    }),
};

export function serverSource(id: string): ReviewSource {
  return {
    page: (number) => request<PageContent>("GET", `${of(id)}/pages/${number}`),
    check: (answer) => request<Check>("POST", `${of(id)}/check`, { body: { answer } }),
    saveDraft: (answer, edits) => reviews.saveDraft(id, answer, edits),
    submit: (answer, edits, seconds) =>
      request<{ state: string }>("POST", `${of(id)}/submit`, { body: { answer, edits, seconds } }),
    reject: (reason, seconds) =>
      request<{ state: string }>("POST", `${of(id)}/reject`, { body: { reason, seconds } }),
  };
}

/** The task itself: inline, or behind its short-lived link where it is large. */
export async function taskOf(review: Review): Promise<ReviewTask> {
  if (review.task) return review.task;
  if (!review.task_url) throw new Error("This review has no task that could be shown.");
  const answer = await fetch(review.task_url, { credentials: "omit" });
  if (!answer.ok) throw new Error(`The task could not be read (status ${answer.status}).`);
  return (await answer.json()) as ReviewTask;
}

export const CODES: Record<string, string> = {
  below_threshold: "unsure",
  required_missing: "missing",
  validator_failed: "invalid",
  rule_failed: "contradiction",
  ambiguous: "ambiguous",
  nothing_found: "nothing found",
  pages_unread: "pages unread",
  reviewers_disagree: "disagreement",
};

/** Why a review waits, short enough for a list: `Total unsure, Date missing and 3 more`. */
export function whyOf(item: Item): string {
  if (item.kind === "audit") return "spot check";
  const told = item.reasons.map(({ code, field }) => [field, CODES[code] ?? code].filter(Boolean).join(" "));
  const more = item.num_reasons - Math.min(3, told.length);
  return [told.slice(0, 3).join(", "), more > 0 && told.length ? `and ${more} more` : ""]
    .filter(Boolean)
    .join(" ");
}

const STATES: Record<string, string> = {
  OPEN: "open",
  ADJUDICATE: "reviewers disagree",
  ANSWERED: "answered",
  CLOSED: "done",
  STOPPED: "stopped",
  EXPIRED: "expired",
};

export function saidState(state: string): string {
  return STATES[state] ?? state.toLowerCase();
}

export function isError(error: unknown, code: string): boolean {
  return error instanceof ApiError && error.code === code;
}
