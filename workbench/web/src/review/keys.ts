/** Keys of the review page. None of them writes a sign, so they work while one types; Enter and arrows do too. */

export type ReviewCommand =
  | "right"
  | "submit"
  | "down"
  | "up"
  | "absent"
  | "add"
  | "remove"
  | "restore"
  | "why"
  | "find"
  | "undo"
  | "redo"
  | "page-down"
  | "page-up"
  | "zoom-in"
  | "zoom-out"
  | "zoom-fit"
  | "document"
  | "words"
  | "back"
  | "help"
  | "note"
  | "reject"
  | "release"
  | "history";

export interface ReviewKey {
  keys: string[];
  /** As the overlay shows it. */
  shown: string;
  does: string;
  command: ReviewCommand;
  /** Only in the workbench: a page of Amazon A2I has its own for these. */
  isOfWorkbench?: boolean;
}

export const REVIEW_KEYS: ReviewKey[] = [
  { keys: ["Enter"], shown: "Enter", does: "right: on to the next doubtful field", command: "right" },
  { keys: ["Ctrl+Enter"], shown: "Ctrl+Enter", does: "submit", command: "submit" },
  { keys: ["ArrowDown"], shown: "↓", does: "the value below", command: "down" },
  { keys: ["ArrowUp"], shown: "↑", does: "the value above", command: "up" },
  {
    keys: ["Alt+A"],
    shown: "Alt+A",
    does: "the document does not have it, or does after all",
    command: "absent",
  },
  { keys: ["Alt+N"], shown: "Alt+N", does: "one more value", command: "add" },
  { keys: ["Alt+X"], shown: "Alt+X", does: "remove this value", command: "remove" },
  { keys: ["Alt+R"], shown: "Alt+R", does: "back to what was found", command: "restore" },
  { keys: ["Alt+W"], shown: "Alt+W", does: "say why it is right although a rule fails", command: "why" },
  { keys: ["Alt+G"], shown: "Alt+G", does: "go to a field by its name", command: "find" },
  { keys: ["Ctrl+Z"], shown: "Ctrl+Z", does: "undo", command: "undo" },
  { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], shown: "Ctrl+Shift+Z", does: "redo", command: "redo" },
  { keys: ["PageDown"], shown: "Page Down", does: "next page of the document", command: "page-down" },
  { keys: ["PageUp"], shown: "Page Up", does: "page before", command: "page-up" },
  { keys: ["Alt+=", "Alt++", "Alt+Shift++"], shown: "Alt++", does: "larger", command: "zoom-in" },
  { keys: ["Alt+-"], shown: "Alt+-", does: "smaller", command: "zoom-out" },
  { keys: ["Alt+0"], shown: "Alt+0", does: "the page's width", command: "zoom-fit" },
  { keys: ["Alt+C"], shown: "Alt+C", does: "choose words on the page by keys", command: "words" },
  { keys: ["Alt+V"], shown: "Alt+V", does: "go to the document", command: "document" },
  { keys: ["Escape"], shown: "Escape", does: "back to the field", command: "back" },
  { keys: ["F1", "?"], shown: "F1 or ?", does: "these keys", command: "help" },
  { keys: ["Alt+O"], shown: "Alt+O", does: "write a note", command: "note", isOfWorkbench: true },
  { keys: ["Alt+Y"], shown: "Alt+Y", does: "history of edits", command: "history", isOfWorkbench: true },
  { keys: ["Alt+J"], shown: "Alt+J", does: "reject the document with a reason", command: "reject" },
  { keys: ["Alt+L"], shown: "Alt+L", does: "give the review back", command: "release", isOfWorkbench: true },
];

export function reviewCommandOf(key: string): ReviewCommand | null {
  return REVIEW_KEYS.find((one) => one.keys.includes(key))?.command ?? null;
}

/** Which suggestion Alt and a digit take, counted from 0; by the place on the keyboard, not by the sign. */
export function optionOf(
  event: Pick<KeyboardEvent, "altKey" | "ctrlKey" | "metaKey" | "code">,
): number | null {
  if (!event.altKey || event.ctrlKey || event.metaKey) return null;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code ?? "")?.[1];
  return digit ? Number(digit) - 1 : null;
}
