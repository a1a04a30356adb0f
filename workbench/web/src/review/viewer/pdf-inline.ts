/** PDF.js within the page's own script: its worker and decoders are text here, nothing is fetched but the PDF. */
import { GlobalWorkerOptions, getDocument, type PDFDocumentLoadingTask } from "pdfjs-dist";
import jbig2 from "pdfjs-dist/wasm/jbig2.wasm?inline";
import openjpeg from "pdfjs-dist/wasm/openjpeg.wasm?inline";
import qcms from "pdfjs-dist/wasm/qcms_bg.wasm?inline";
import worker from "pdfjs-dist/build/pdf.worker.min.mjs?raw";
import { IN_PARTS } from "./pdf";

const DECODERS: Record<string, string> = {
  "jbig2.wasm": jbig2,
  "openjpeg.wasm": openjpeg,
  "qcms_bg.wasm": qcms,
};

/** What PDF.js asks for by name. Character maps of old Asian documents are not here: they are too large. */
class Inline {
  async fetch({ filename }: { filename: string }): Promise<Uint8Array> {
    const found = DECODERS[filename];
    if (!found) throw new Error(`${filename} is not part of this page`);
    return Uint8Array.from(atob(found.slice(found.indexOf(",") + 1)), (sign) => sign.charCodeAt(0));
  }
}

export async function openPdf(url: string): Promise<PDFDocumentLoadingTask> {
  // PDF.js itself goes on in the page's own thread where a browser gives this page no worker.
  GlobalWorkerOptions.workerSrc ||= URL.createObjectURL(new Blob([worker], { type: "text/javascript" }));
  return getDocument({ url, ...IN_PARTS, useWorkerFetch: false, BinaryDataFactory: Inline });
}
