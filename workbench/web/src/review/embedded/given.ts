/** What Amazon A2I has written into the page: the task, and short-lived links to what it names. */
import type { ReviewTask } from "../types";

export interface Given {
  task: ReviewTask & { TaskToken?: unknown };
  /** Of the document itself. */
  document: string;
  result: string | null;
  index: string | null;
  parts: string[];
  images: string[];
  /** Where PDF.js lies; null where nobody has put it anywhere. */
  pdfViewer: string | null;
}

export async function given(root: HTMLElement): Promise<Given> {
  const links = (kind: string) =>
    [...root.querySelectorAll<HTMLAnchorElement>(`[data-is="${kind}"]`)].map((link) => link.href);
  const task = parsed(root.dataset.task ?? "") as Given["task"];
  const result = links("result")[0] ?? null;
  if (result) task.ModelResult = (await json(result)) as ReviewTask["ModelResult"];
  if (!task.ModelResult?.Fields) throw new Error("The task has no ModelResult with Fields.");
  const viewer = root.dataset.pdfViewer ?? "";
  return {
    task,
    document: root.dataset.document ?? "",
    result,
    index: links("index")[0] ?? null,
    parts: links("part"),
    images: links("image"),
    pdfViewer: /^https?:/.test(viewer) ? viewer : null,
  };
}

/** The task as JSON; once more where both `to_json` and `escape` have escaped it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const decoder = document.createElement("textarea");
    decoder.innerHTML = text; // a textarea holds text and nothing else
    return JSON.parse(decoder.value) as unknown;
  }
}

export async function json(url: string): Promise<unknown> {
  const answer = await fetch(url, { credentials: "omit" });
  if (!answer.ok) throw new Error(`What the task names could not be read (status ${answer.status}).`);
  return answer.json();
}

/** What shows the document: by what the task says, else by the object's name. */
export function kindOf(it: Given): "pdf" | "images" {
  const told = it.task.Document?.Kind;
  const isPdf = told ? told === "pdf" : /\.pdf$/i.test(nameOf(it.task.TaskObject));
  // Images of its pages do as well as the PDF where nothing draws PDFs.
  return isPdf && !(it.pdfViewer === null && it.images.length) ? "pdf" : "images";
}

/** The object's name without its folders; the reference's tasks may give an object instead of an address. */
export function nameOf(object: unknown): string {
  const key =
    typeof object === "string"
      ? object
      : String(
          (object as { Key?: unknown; S3Uri?: unknown } | null)?.Key ??
            (object as { S3Uri?: unknown })?.S3Uri ??
            "",
        );
  return key.split("/").at(-1) ?? "";
}
