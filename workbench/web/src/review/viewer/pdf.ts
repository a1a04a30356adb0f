/**
 * How the viewer comes by PDF.js. Who mounts it says so, once: `app.provide(OPEN_PDF, …)`. The workbench gives
 * shell/pdf.ts, which loads PDF.js from our own server; a page in one file gives pdf-inline.ts.
 */
import type { InjectionKey } from "vue";
import type { PDFDocumentLoadingTask } from "pdfjs-dist";

export type OpenPdf = (url: string) => Promise<PDFDocumentLoadingTask>;

export const OPEN_PDF: InjectionKey<OpenPdf> = Symbol("opens a PDF");

/** A page's bytes are fetched when it is shown: a file of 400 pages may be hundreds of megabytes. */
export const IN_PARTS = {
  withCredentials: false,
  disableAutoFetch: true,
  disableStream: true,
  rangeChunkSize: 256 * 1024,
  enableXfa: false,
  isEvalSupported: false,
} as const;

/** Why a PDF could not be shown, to follow "it could not be shown:". */
export function reasonOf(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "PasswordException") return "it is locked by a password";
  if (name === "InvalidPDFException") return "it is not a PDF, or damaged";
  if (name === "ResponseException") return "its link may have ended";
  return error instanceof Error ? error.message : String(error);
}

/** Whether the link, not the document, is what failed. */
export function isLinkEnded(error: unknown): boolean {
  return error instanceof Error && error.name === "ResponseException";
}
