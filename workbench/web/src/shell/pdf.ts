/** PDF.js, with everything it needs from our own server, set to read only the parts of a file it shows. */
import { PDFWorker, getDocument, type PDFDocumentLoadingTask } from "pdfjs-dist";
import PdfWorker from "pdfjs-dist/build/pdf.worker.min.mjs?worker";
import { IN_PARTS } from "../review/viewer/pdf";

const FILES = __PDFJS_FILES__;

let worker: PDFWorker | null = null;

/** Starts PDF.js's worker, where a PDF is sure to be looked at soon. */
export function warm(): PDFWorker {
  // One for all documents, and ours: a document that is closed would end a worker of its own in the midst of
  // the next document's answers. (The type of `port` is its default's.)
  worker ??= new PDFWorker({ port: new PdfWorker() as unknown as null });
  return worker;
}

export function openPdf(url: string): PDFDocumentLoadingTask {
  return getDocument({
    url,
    worker: warm(),
    ...IN_PARTS,
    cMapUrl: `${FILES}cmaps/`,
    cMapPacked: true,
    standardFontDataUrl: `${FILES}standard_fonts/`,
    wasmUrl: `${FILES}wasm/`,
    iccUrl: `${FILES}iccs/`,
  });
}
