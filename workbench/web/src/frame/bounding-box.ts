// crowd-bounding-box: boxes with labels. Proposed boxes (initial-value) are dashed until accepted or changed;
// they count as they are, as with AWS's element.
import type { Answer } from "./answering";
import { BoxEditor, type EditBox } from "./boxes";
import { h } from "./dom";
import type { Rect } from "./geometry";
import { randomUid } from "./groups";
import { PictureTool } from "./picture";
import { MARK_LABELS, PICTURE_HELP, type HelpRow } from "./workspace";

export const BOX_HELP: HelpRow[] = [
  ["drag", "draw a box"],
  ["click", "select a box; again: the one below it"],
  ["Alt + drag", "draw inside the selected box"],
  ["b", "a new box in the middle, or around the current word"],
  ["n p", "next, previous box"],
  ["arrows, Shift + arrows", "move, resize the selected box; with Ctrl ten pixels at once"],
  ["Delete", "delete the selected box"],
  ["Enter, Shift + Enter", "accept a suggestion, all suggestions"],
  ["o", "show or hide labels of an earlier job"],
  ["Escape", "select nothing"],
];

const SHOWN = 300;

interface GivenBox extends Rect {
  label: string;
}

/** Boxes as attributes and drafts name them; what is no box is told, not dropped. */
export function givenBoxes(value: unknown): GivenBox[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new Error("expected a list of boxes");
  return value.map((one: unknown, at) => {
    const box = one as Partial<GivenBox> | null;
    const numbers = [box?.left, box?.top, box?.width, box?.height].map(Number);
    if (numbers.some((number) => !Number.isFinite(number))) {
      throw new Error(`box ${at + 1} needs left, top, width and height as numbers`);
    }
    return {
      label: String(box?.label ?? ""),
      left: numbers[0]!,
      top: numbers[1]!,
      width: numbers[2]!,
      height: numbers[3]!,
    };
  });
}

export abstract class BoxTool extends PictureTool {
  protected readonly editor = new BoxEditor(this.stage);
  protected readonly list = h("ul", { class: "plain" });
  private readonly count = h("h2", {}, "Boxes");
  private showing = 0;

  protected override begin(): Promise<unknown> | void {
    const { editor } = this;
    editor.say = this.say;
    editor.labels = this.labels;
    editor.colours = this.colours;
    editor.label = this.label;
    editor.onChange = () => this.boxesChanged();
    editor.onSelect = () => this.selectionChanged();
    this.right.append(this.count, this.list);
    this.stage.element.addEventListener("contextmenu", (event) => event.preventDefault());
    this.showBoxes();
    return this.loadPicture();
  }

  protected override readonly labelHelp = MARK_LABELS;

  protected override labelChosen(label: string): void {
    this.editor.chooseLabel(label);
  }

  protected boxesChanged(): void {
    this.showSoon();
    this.answerChanged();
  }

  /** Once a frame is enough while a box is dragged. */
  protected showSoon(): void {
    if (this.showing) return;
    this.showing = requestAnimationFrame(() => {
      this.showing = 0;
      this.show();
    });
  }

  protected show(): void {
    this.showBoxes();
  }

  protected selectionChanged(): void {
    const box = this.editor.chosen ? this.editor.current : null;
    if (box && box.label !== this.label) {
      this.markLabel(box.label);
      this.editor.label = box.label;
    }
    this.markSelected();
  }

  private markSelected(): void {
    for (const button of this.list.querySelectorAll<HTMLElement>("button[data-id]")) {
      const isCurrent = button.dataset.id === this.editor.selected;
      button.setAttribute("aria-pressed", String(isCurrent && this.editor.chosen));
      button.setAttribute("aria-current", String(isCurrent));
    }
  }

  protected showBoxes(): void {
    const { boxes } = this.editor;
    this.count.textContent = `Boxes: ${boxes.length}`;
    const rows = boxes.slice(0, SHOWN).map((box, at) => this.boxRow(box, at));
    if (boxes.length > SHOWN)
      rows.push(h("li", {}, `… and ${boxes.length - SHOWN} more: n and p go through all`));
    this.list.replaceChildren(...rows);
    this.markSelected();
  }

  private boxRow(box: EditBox, at: number): HTMLLIElement {
    const swatch = h("span", { class: "swatch" });
    swatch.style.background = this.colours.get(box.label) ?? "#000";
    const text = `${at + 1}. ${box.label}`;
    const choose = h(
      "button",
      {
        type: "button",
        class: box.suggested ? "label suggested" : "label",
        "data-id": box.id,
        onclick: () => this.editor.select(box.id, true),
      },
      swatch,
      h("span", { class: "name" }, text),
      box.suggested && h("span", { class: "hidden-visually" }, "suggested"),
    );
    const accept = h(
      "button",
      {
        type: "button",
        "aria-label": `Accept suggestion ${text}`,
        onclick: () => this.editor.accept(box.id),
      },
      "✓",
    );
    const remove = h(
      "button",
      { type: "button", "aria-label": `Delete box ${text}`, onclick: () => this.editor.remove(box.id) },
      "×",
    );
    return h("li", { class: "box" }, choose, box.suggested && accept, remove);
  }

  protected override key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey) return event.key.startsWith("Arrow") && this.editor.key(event);
    return this.pictureKey(event) || this.editor.key(event);
  }

  override undo(): boolean {
    return this.editor.undo();
  }
  override redo(): boolean {
    return this.editor.redo();
  }
  override get canUndo(): boolean {
    return this.editor.history.canUndo;
  }
  override get canRedo(): boolean {
    return this.editor.history.canRedo;
  }

  protected boxAnswer(): {
    boundingBoxes: GivenBox[];
    inputImageProperties: { height: number; width: number };
  } {
    const boundingBoxes = this.editor.boxes.map(({ height, label, left, top, width }) => ({
      height,
      label,
      left,
      top,
      width,
    }));
    return { boundingBoxes, inputImageProperties: this.imageProperties };
  }

  protected suggestions(): EditBox[] {
    const given = this.attribute("initial-value");
    return this.asSuggestions(givenBoxes(given));
  }

  protected asSuggestions(boxes: GivenBox[]): EditBox[] {
    const unknown = boxes.filter((box) => !this.labels.includes(box.label));
    if (unknown.length) {
      // Kept and shown: an earlier job may have known labels that this one does not.
      this.setLabels([...this.labels, ...new Set(unknown.map((box) => box.label))]);
      this.editor.colours = this.colours;
      this.editor.labels = this.labels;
    }
    this.editor.old = boxes;
    return boxes.map((box) => ({ ...box, id: randomUid(), suggested: true }));
  }

  override missing(): string | null {
    return this.stage.size.width ? null : "the picture is not loaded";
  }

  override showMissing(): void {
    this.stage.element.focus();
  }
}

export class CrowdBoundingBox extends BoxTool {
  protected override async begin(): Promise<void> {
    const loading = super.begin();
    this.editor.start(this.suggestions());
    this.showBoxes();
    this.refreshUndo();
    await loading;
  }

  protected override helpRows(): HelpRow[] {
    return [...BOX_HELP, ...PICTURE_HELP];
  }

  /** The answer so far; templates read it. */
  get value(): Answer {
    return this.boxAnswer();
  }

  answerTo(answer: Answer): void {
    const part: Answer = this.boxAnswer();
    if (this.hasAttribute("initial-value")) part.initialValueModified = this.modified();
    answer[this.name] = part;
  }

  private modified(): boolean {
    const plain = (boxes: readonly GivenBox[]): string =>
      JSON.stringify(boxes.map(({ label, left, top, width, height }) => [label, left, top, width, height]));
    return plain(this.editor.boxes) !== plain(this.editor.old as readonly GivenBox[]);
  }

  draftTo(draft: Answer): void {
    draft[`recto:${this.name}`] = {
      suggested: this.editor.boxes.flatMap((box, at) => (box.suggested ? [at] : [])),
    };
  }

  restore(draft: Answer): void {
    const part = draft[this.name] as { boundingBoxes?: unknown } | undefined;
    if (!part) return;
    const kept = draft[`recto:${this.name}`] as { suggested?: number[] } | undefined;
    const boxes = givenBoxes(part.boundingBoxes);
    this.editor.start(
      boxes.map((box, at) => ({
        ...box,
        id: randomUid(),
        suggested: kept?.suggested?.includes(at) ?? false,
      })),
    );
    this.showBoxes();
    this.refreshUndo();
  }
}
