import { createApp } from "vue";
import "../../shell/style.css";
import "./style.css";
import EmbeddedReview from "./EmbeddedReview.vue";
import { given } from "./given";
import { PageStore } from "./words";

/** A page in a sandbox may be refused its own storage. */
function ownStorage(): Storage | null {
  try {
    window.sessionStorage.setItem("recto", "");
    return window.sessionStorage;
  } catch {
    return null;
  }
}

async function begin(root: HTMLElement): Promise<void> {
  const told = document.getElementById("recto-task");
  if (!told) throw new Error("The page has no task.");
  const task = await given(told);
  const store = new PageStore(task.index, task.parts, task.images);
  const pages = task.task.Document?.NumPages ?? ((await store.pages()) || 1);
  createApp(EmbeddedReview, { given: task, store, pages, storage: ownStorage() }).mount(root);
}

const root = document.getElementById("recto-review");
if (root)
  begin(root).catch((error: unknown) => {
    root.textContent = `The review cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
  });
