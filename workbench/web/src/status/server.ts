/** Documents as the workbench's server tells operators of them (docs/review.md, "Operators, the status page"). */
import { request } from "../shell/api";
import type { FoundField, PageContent, PageSource, Reason } from "../review/types";

export const STATUSES = [
  "RECEIVED",
  "BACKLOG",
  "WAITING",
  "RUNNING",
  "IN_REVIEW",
  "PROCESSED",
  "FAILED",
  "REJECTED",
] as const;
export type Status = (typeof STATUSES)[number];

export const STEPS = ["ocr", "model", "postprocess", "review", "publish"] as const;
export type Step = (typeof STEPS)[number];

export interface Listed {
  id: string;
  name: string;
  status: Status;
  received: string;
  updated: string;
  confidence: number | null;
  attempt: number;
  reason: string | null;
  /** The review's loop; of a document that is not in review, the last one. */
  review: string | null;
  /** Whether that review is the workbench's: a list knows of those that are waited for. */
  in_workbench: boolean;
}

export interface Listing {
  documents: Listed[];
  next: string | null;
  /** 1000 stands for that many or more. */
  counts: Partial<Record<Status, number>>;
  /** How many documents a search looked at. */
  searched: number | null;
}

export type Noted = null | boolean | number | string | Noted[] | { [key: string]: Noted };

export interface Entry {
  kind: "status" | "note" | "step";
  what: string;
  when: string;
  seconds: number | null;
  notes: { [key: string]: Noted };
}

export interface Cost {
  pages: number | null;
  words: number | null;
  ocr_jobs: number;
  ocr_engine: string | null;
  ocr_features: string[] | null;
  dollars: number | null;
}

export interface DocumentDetail extends Listed {
  bucket: string;
  key: string;
  size: number;
  release: string | null;
  ocr_engine: string | null;
  start_from: string;
  operator: string | null;
  error: string | null;
  cause: string | null;
  fields: Record<string, FoundField>;
  review_reasons: Reason[];
  warnings: unknown[];
  fields_are: "published" | "reviewed" | "found" | "superseded" | null;
  result_url: string | null;
  document: {
    kind: "pdf" | "images";
    url: string | null;
    pages: number;
    missing: boolean;
    message?: string;
  };
  timeline: Entry[];
  cost: Cost;
  events: { type: string; when: string; id: string }[];
  links: { what: string; url: string }[];
  can: ("reprocess" | "redrive")[];
}

/** What a person asks for: `attempt` is the one that he saw, so whoever comes second is refused. */
export interface Again {
  attempt: number;
  pay_for_ocr: boolean;
}

export interface Outcome {
  status: Status;
  attempt: number;
  from: Step;
}

const of = (id: string) => `/api/documents/${encodeURIComponent(id)}`;

export const documents = {
  list: (status: string, search: string, next: string | null) => {
    const asked = new URLSearchParams();
    if (status) asked.set("status", status);
    if (search) asked.set("search", search);
    if (next) asked.set("next", next);
    return request<Listing>("GET", `/api/documents?${asked}`);
  },
  get: (id: string) => request<DocumentDetail>("GET", of(id)),
  reprocess: (id: string, from: Step, again: Again) =>
    request<Outcome>("POST", `${of(id)}/reprocess`, { body: { from, ...again } }),
  redrive: (id: string, again: Again) => request<Outcome>("POST", `${of(id)}/redrive`, { body: again }),
};

export function pagesOf(id: string): PageSource {
  return { page: (number) => request<PageContent>("GET", `${of(id)}/pages/${number}`) };
}
