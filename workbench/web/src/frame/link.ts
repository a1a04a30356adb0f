// The frame's talk with the page around it, by docs/workbench.md "The frame": messages with a nonce. Without a
// page around (a preview, Ground Truth itself) nothing is sent.

interface Task {
  nonce?: string;
  /** Around is a preview, which has no buttons for undo, redo and keys. */
  preview?: boolean;
  /** What the page around shows above us. */
  description?: string;
}

declare global {
  interface Window {
    rectoTask?: Task;
  }
}

export interface FrameState {
  complete: boolean;
  missing: string;
  canUndo: boolean;
  canRedo: boolean;
}

export type FromPage =
  | { type: "init"; draft: Record<string, unknown> | null }
  | { type: "request-submit" }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "submitted" };

export const nonce = (): string | null => window.rectoTask?.nonce ?? null;

/** Whether a page around waits for the answer. */
export const inWorkbench = (): boolean => nonce() !== null && window.parent !== window;

/** Whether the page around has buttons for undo, redo, keys and submit, so that ours would be there twice. */
export const pageHasButtons = (): boolean => inWorkbench() && window.rectoTask?.preview !== true;

/** Whether the page around shows this very text above us. */
export const isShownAround = (text: string): boolean =>
  pageHasButtons() && text.trim() !== "" && window.rectoTask?.description?.trim() === text.trim();

export function tell(message: { type: string; [key: string]: unknown }): void {
  if (!inWorkbench()) return;
  // The frame's own origin is nobody's, and it cannot know the page's; the page checks source and nonce.
  window.parent.postMessage({ recto: 1, nonce: nonce(), ...message }, "*");
}

export function listen(handle: (message: FromPage) => void): void {
  window.addEventListener("message", (event) => {
    const message = event.data as { recto?: unknown; nonce?: unknown; type?: unknown } | null;
    if (event.source !== window.parent || message?.recto !== 1 || message.nonce !== nonce()) return;
    if (typeof message.type === "string") handle(message as FromPage);
  });
}

/** Scripts that throw are told, each text once. */
export function reportErrors(): void {
  const told = new Set<string>();
  const report = (message: string): void => {
    if (told.has(message) || told.size > 20) return;
    told.add(message);
    tell({ type: "error", message: message.slice(0, 500) });
  };
  window.addEventListener("error", (event) => report(event.message || "a script or picture failed to load"));
  window.addEventListener("unhandledrejection", (event) =>
    report(String((event as PromiseRejectionEvent).reason)),
  );
}
