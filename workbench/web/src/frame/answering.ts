// What a form asks of its parts, and how parts tell that something changed.

export type Answer = Record<string, unknown>;

export interface Answering extends HTMLElement {
  /** Adds its part to the answer. */
  answerTo(answer: Answer): void;
  /** Takes back what it once answered (a draft). */
  restore(answer: Answer): void;
  /** What is missing before the answer may be sent; null when nothing is. */
  missing?(): string | null;
  /** More than the answer, which a draft keeps. */
  draftTo?(draft: Answer): void;
  undo?(): boolean;
  redo?(): boolean;
  readonly canUndo?: boolean;
  readonly canRedo?: boolean;
  /** Shows where something is missing. */
  showMissing?(): void;
  reset?(): void;
  /** The answer is costly to make: a draft waits until nothing has changed for so many milliseconds. */
  readonly draftPause?: number;
}

export const isAnswering = (element: Element): element is Answering =>
  typeof (element as Partial<Answering>).answerTo === "function";

export const CHANGED = "recto-change";

/** Nothing was answered, but whether it may be submitted may be otherwise (a picture is there). */
export const SETTLED = "recto-settled";

export function settled(element: HTMLElement): void {
  element.dispatchEvent(new CustomEvent(SETTLED, { bubbles: true, composed: true }));
}

export function changed(element: HTMLElement): void {
  element.dispatchEvent(new CustomEvent(CHANGED, { bubbles: true, composed: true }));
}

/** One truth value below a name; several of one name come together: `{"name": {"a": true, "b": false}}`. */
export function addFlag(answer: Answer, name: string, value: string, on: boolean): void {
  const there = answer[name];
  const flags = typeof there === "object" && there !== null ? (there as Answer) : {};
  answer[name] = { ...flags, [value]: on };
}

export function flagOf(answer: Answer, name: string, value: string): boolean | null {
  const flags = answer[name];
  if (typeof flags !== "object" || flags === null) return null;
  const on = (flags as Answer)[value];
  return typeof on === "boolean" ? on : null;
}

/** `answer-format="flatten-objects"`: `{"a": {"b": 1}}` becomes `{"a.b": 1}`. */
export function flattened(answer: Answer, before = ""): Answer {
  const out: Answer = {};
  for (const [key, value] of Object.entries(answer)) {
    const plain = typeof value === "object" && value !== null && !Array.isArray(value);
    if (plain) Object.assign(out, flattened(value as Answer, `${before}${key}.`));
    else out[before + key] = value;
  }
  return out;
}

// --- plain HTML inputs --------------------------------------------------------------------------------

type Plain = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export const isPlain = (element: Element): element is Plain =>
  element instanceof HTMLInputElement ||
  element instanceof HTMLTextAreaElement ||
  element instanceof HTMLSelectElement;

export function plainAnswer(element: Plain, answer: Answer): void {
  if (!element.name || element.disabled) return;
  if (element instanceof HTMLInputElement) {
    if (["submit", "button", "reset", "image", "file"].includes(element.type)) return;
    if (["checkbox", "radio"].includes(element.type))
      return addFlag(answer, element.name, element.value, element.checked);
  }
  if (element instanceof HTMLSelectElement && element.multiple) {
    answer[element.name] = Array.from(element.selectedOptions, (option) => option.value);
  } else answer[element.name] = element.value;
}

export function plainRestore(element: Plain, answer: Answer): void {
  const value = answer[element.name];
  if (!element.name || value === undefined) return;
  if (element instanceof HTMLInputElement && ["checkbox", "radio"].includes(element.type)) {
    element.checked = flagOf(answer, element.name, element.value) ?? element.checked;
  } else if (element instanceof HTMLSelectElement && element.multiple && Array.isArray(value)) {
    for (const option of element.options) option.selected = value.includes(option.value);
  } else if (typeof value === "string" && !(element instanceof HTMLInputElement && element.type === "file")) {
    element.value = value;
  }
}

// --- other people's elements --------------------------------------------------------------------------

interface Foreign extends HTMLElement {
  value?: unknown;
  validate?: () => unknown;
}

/** A form-associated custom element of the template itself, such as `object-value-input`. */
export function isForeign(element: Element): element is Foreign {
  const made = element.constructor as { formAssociated?: boolean };
  return element.localName.includes("-") && made.formAssociated === true && !isAnswering(element);
}

export function foreignAnswer(element: Foreign, answer: Answer): void {
  const name = element.getAttribute("name");
  if (!name || element.value === undefined || element.value === null) return;
  answer[name] = JSON.parse(JSON.stringify(element.value)) as unknown;
}
