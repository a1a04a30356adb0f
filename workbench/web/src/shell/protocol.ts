/** Messages between a task's frame and the page around it (docs/workbench.md, "The frame"). */
import type { Answer } from "./types";

/** A key of the frame's elements, for the overlay of all keys. */
export interface FrameKey {
  key: string;
  does: string;
}

export type FromFrame =
  | { type: "ready"; keys: FrameKey[] }
  | { type: "draft"; answer: Answer }
  | {
      type: "state";
      complete: boolean;
      missing: string;
      canUndo: boolean;
      canRedo: boolean;
    }
  | { type: "submit"; answer: Answer }
  | { type: "error"; message: string }
  | { type: "key"; key: string };

export type ToFrame =
  | { type: "init"; draft: Answer | null }
  | { type: "request-submit" }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "submitted" };

/** What of an event the checks need. */
export interface Arrived {
  source: unknown;
  origin: string;
  data: unknown;
}

const LONGEST_TEXT = 2000;

/** The message, if it comes from this very window, of nobody's origin, with the task's nonce; else null. */
export function readMessage(event: Arrived, window: unknown, nonce: string): FromFrame | null {
  if (!window || event.source !== window || event.origin !== "null") return null;
  const sent = event.data;
  if (!isRecord(sent) || sent.recto !== 1 || sent.nonce !== nonce) return null;
  switch (sent.type) {
    case "ready":
      return { type: "ready", keys: keysOf(sent.keys) };
    case "draft":
    case "submit":
      return isRecord(sent.answer) ? { type: sent.type, answer: sent.answer as Answer } : null;
    case "state":
      return {
        type: "state",
        complete: sent.complete === true,
        missing: textOf(sent.missing),
        canUndo: sent.canUndo === true,
        canRedo: sent.canRedo === true,
      };
    case "error":
      return { type: "error", message: textOf(sent.message) };
    case "key":
      return { type: "key", key: textOf(sent.key) };
    default:
      return null;
  }
}

/** The frame's origin is opaque, so no target origin can be named; only the nonce says for whom it is. */
export function sendToFrame(
  window: { postMessage(message: unknown, target: string): void } | null,
  nonce: string,
  message: ToFrame,
): void {
  // As JSON: what Vue watches cannot be cloned into another window.
  const plain: unknown = JSON.parse(JSON.stringify(message));
  window?.postMessage({ ...(plain as object), recto: 1, nonce }, "*");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, LONGEST_TEXT) : "";
}

function keysOf(value: unknown): FrameKey[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter(isRecord)
    .slice(0, 100)
    .map((entry) => ({ key: textOf(entry.key), does: textOf(entry.does) }))
    .filter((entry) => entry.key !== "" && entry.does !== "");
}
