/** Keys of the page around a task; those of the task's own elements come from its frame. */
import type { FrameKey } from "./protocol";

export type Command = "submit" | "undo" | "redo" | "help" | "skip" | "give-back" | "document" | "focus-task";

export const PAGE_KEYS: (FrameKey & { command: Command })[] = [
  { key: "Ctrl+Enter", command: "submit", does: "submit the answer" },
  { key: "Ctrl+Z", command: "undo", does: "undo" },
  { key: "Ctrl+Shift+Z", command: "redo", does: "redo (Ctrl+Y as well)" },
  { key: "?", command: "help", does: "show all keys" },
  { key: "Alt+Shift+T", command: "focus-task", does: "go into the task" },
  {
    key: "Alt+Shift+D",
    command: "document",
    does: "show or hide the whole document",
  },
  { key: "Alt+Shift+S", command: "skip", does: "skip the task with a reason" },
  { key: "Alt+Shift+B", command: "give-back", does: "give the task back" },
];

type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** A pressed key by the name the table above has; Command counts as Ctrl. */
export function nameOf(event: Pressed): string {
  // With Alt the key itself may be another sign; the place on the keyboard stays.
  const letter =
    event.altKey && event.code?.startsWith("Key")
      ? event.code.slice(3)
      : event.key.length === 1
        ? event.key.toUpperCase()
        : event.key;
  const isSign = event.key.length === 1 && !/[a-z0-9]/i.test(event.key);
  return [
    event.ctrlKey || event.metaKey ? "Ctrl+" : "",
    event.altKey ? "Alt+" : "",
    event.shiftKey && (!isSign || event.altKey) ? "Shift+" : "",
    letter,
  ].join("");
}

export function commandOf(key: string): Command | null {
  if (key === "Ctrl+Y") return "redo";
  const wanted = key.toLowerCase();
  return PAGE_KEYS.find((one) => one.key.toLowerCase() === wanted)?.command ?? null;
}

/** Whether the focus is where typing belongs: no single sign may be taken from there. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}
