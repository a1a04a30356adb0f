/** PDF.js in one classic script, for who sets up the page: `review-pdf.js`, to be put beside the documents. */
import worker from "pdfjs-dist/build/pdf.worker.min.mjs?raw";
import { openPdf } from "../viewer/pdf-inline";

globalThis.rectoPdf = { openPdf, worker };
