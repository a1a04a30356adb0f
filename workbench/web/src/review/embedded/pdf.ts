/** Brings PDF.js into the page, from the bucket where the one who set it up has put it (`review-pdf.js`). */
import type { OpenPdf } from "../viewer/pdf";

export interface PdfScript {
  openPdf: OpenPdf;
  worker: string;
}

declare global {
  var rectoPdf: PdfScript | undefined;
  var pdfjsWorker: unknown;
}

const WORKER_MS = 2000;

let loaded: Promise<PdfScript> | null = null;

export function opener(url: string | null): OpenPdf {
  return async (document) => {
    if (!url) throw new Error("this page has no PDF.js");
    loaded ??= load(url);
    loaded.catch(() => (loaded = null));
    return (await loaded).openPdf(document);
  };
}

async function load(url: string): Promise<PdfScript> {
  // By its address where the page may; else as text, which a frame of the workbench takes.
  await byAddress(url).catch(() => byText(url));
  const script = globalThis.rectoPdf;
  if (!script) throw new Error("PDF.js did not load");
  if (!(await mayHaveWorkers())) await inThisThread(script.worker);
  return script;
}

function byAddress(url: string): Promise<void> {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => done();
    script.onerror = () => failed(new Error("PDF.js did not load"));
    document.head.append(script);
  });
}

async function byText(url: string): Promise<void> {
  const answer = await fetch(url, { credentials: "omit" });
  if (!answer.ok) throw new Error(`PDF.js did not load (status ${answer.status})`);
  const script = document.createElement("script");
  script.textContent = await answer.text();
  document.head.append(script);
}

function mayHaveWorkers(): Promise<boolean> {
  return new Promise((done) => {
    const timer = setTimeout(() => done(false), WORKER_MS);
    const tell = (may: boolean) => {
      clearTimeout(timer);
      done(may);
    };
    try {
      const worker = new Worker(
        URL.createObjectURL(new Blob(["postMessage(1)"], { type: "text/javascript" })),
      );
      worker.onmessage = () => (worker.terminate(), tell(true));
      worker.onerror = () => tell(false);
    } catch {
      tell(false);
    }
  });
}

/** PDF.js uses its worker's code in the page's own thread where it finds it there. */
async function inThisThread(worker: string): Promise<void> {
  const script = document.createElement("script");
  script.type = "module";
  script.textContent = worker;
  document.head.append(script);
  for (let waited = 0; waited < 50 && !globalThis.pdfjsWorker; waited += 1)
    await new Promise((done) => setTimeout(done, 20));
}
