// crowd-entity-annotation: spans of a text with labels. Outside a crowd-form it brings its own, as AWS's does.
import type { Answer } from "./answering";
import { darkText } from "./boxes";
import { h } from "./dom";
import type { CrowdForm } from "./form";
import { History } from "./history";
import { labelColour } from "./labels";
import { Offsets, pieces, sorted, trimmed, wholeWords, withSpan, wordsOf, type Span } from "./spans";
import { MARK_LABELS, Tool, type HelpRow } from "./workspace";

interface GivenLabel {
  label?: unknown;
  shortDisplayName?: unknown;
  fullDisplayName?: unknown;
}

const HELP: HelpRow[] = [
  ["select text", "label it with the chosen label"],
  ["← →", "word by word; with Shift take more words"],
  ["Enter", "label the words under the cursor"],
  ["n p, click", "select the next, previous labelled span, the one clicked"],
  ["Delete", "remove the selected span"],
  ["s", "whole words only: on or off"],
  ["Escape", "select nothing"],
];

export class CrowdEntityAnnotation extends Tool {
  private readonly spans = new History<readonly Span[]>([]);
  private offsets = new Offsets("");
  private names = new Map<string, { short: string; full: string }>();
  private readonly text = h("div", {
    class: "recto-text",
    slot: "text",
    tabindex: "0",
    role: "textbox",
    "aria-multiline": "true",
    "aria-readonly": "true",
  });
  private readonly list = h("ul", { class: "plain" });
  private readonly count = h("h2", {}, "Labelled");
  private selected = -1;
  /** Whether a person selected it, so that a label is for it; a span just marked only has the keys. */
  private chosen = false;
  private cursor: { from: number; to: number } | null = null;
  private words: { start: number; end: number }[] = [];
  private snap = true;
  private given: readonly Span[] = [];

  protected override readLabels(): void {
    const given = this.attribute("labels");
    if (given !== null && !Array.isArray(given)) throw new Error("expected the labels as a list");
    const labels = ((given ?? []) as (GivenLabel | string)[]).map((one) =>
      typeof one === "string" ? { label: one } : one,
    );
    this.names = new Map(
      labels.map((one) => {
        const label = String(one.label ?? "");
        return [
          label,
          { short: String(one.shortDisplayName ?? label), full: String(one.fullDisplayName ?? label) },
        ];
      }),
    );
    this.setLabels([...this.names.keys()]);
  }

  protected override labelText(label: string): string {
    return this.names.get(label)?.full ?? label;
  }

  protected override begin(): void {
    const content = this.getAttribute("text") ?? "";
    this.offsets = new Offsets(content);
    this.words = wordsOf(content);
    this.text.setAttribute(
      "aria-label",
      `${this.getAttribute("header") ?? "Text"}. Press question mark for keys.`,
    );
    this.append(this.text);
    this.centre.append(h("div", { class: "text-scroll" }, h("slot", { name: "text" })));
    this.right.append(this.count, this.list);
    if (!content.trim())
      this.centre.append(h("p", { class: "fault", role: "alert" }, "There is no text to label."));
    this.given = this.initial();
    this.spans.reset(this.given);
    this.text.addEventListener("pointerup", () => setTimeout(() => this.takeSelection()));
    this.text.addEventListener("click", (event) => this.clicked(event));
    // Parts of other people's templates that lie inside.
    this.left.append(h("slot"));
    if (this.querySelector(":scope > :not([slot])")) this.left.hidden = false;
    if (!this.closest("crowd-form")) this.bringForm();
    this.show();
  }

  private bringForm(): void {
    const form = document.createElement("crowd-form") as CrowdForm;
    this.right.append(form);
    form.watch(this);
  }

  private initial(): Span[] {
    const given = this.attribute("initial-value");
    if (given === null) return [];
    if (!Array.isArray(given)) throw new Error("expected initial-value as a list");
    return this.fromAnswer(given);
  }

  private fromAnswer(list: unknown[]): Span[] {
    return sorted(
      list.map((one) => {
        const { startOffset, endOffset, label } = one as {
          startOffset?: unknown;
          endOffset?: unknown;
          label?: unknown;
        };
        return {
          start: this.offsets.toUnits(Number(startOffset)),
          end: this.offsets.toUnits(Number(endOffset)),
          label: String(label ?? ""),
        };
      }),
    ).filter((span) => span.end > span.start);
  }

  // --- showing ----------------------------------------------------------------------------------------

  private show(): void {
    const spans = this.spans.now;
    const content = this.offsets.text;
    const cursor = this.cursorRange();
    const marked = cursor ? [...spans, { ...cursor, label: "" }] : spans;
    this.text.replaceChildren(
      ...pieces(content.length, marked).map((piece) => {
        const held = piece.spans.filter((span) => span.label !== "" || !cursor);
        const under = cursor !== null && piece.start >= cursor.start && piece.end <= cursor.end;
        const text = content.slice(piece.start, piece.end);
        if (held.length === 0)
          return under ? h("span", { class: "recto-cursor" }, text) : document.createTextNode(text);
        return this.piece(text, piece.end, held, under);
      }),
    );
    this.count.textContent = `Labelled: ${spans.length}`;
    this.list.replaceChildren(...spans.map((span, at) => this.row(span, at)));
    this.refreshUndo();
  }

  private piece(text: string, end: number, held: Span[], under: boolean): HTMLElement {
    const top = held[held.length - 1]!;
    const at = this.spans.now.indexOf(top);
    const mark = h("mark", { class: "recto-span", "data-at": at }, text);
    mark.style.setProperty("--colour", this.colour(top.label));
    mark.style.setProperty("--ink", darkText(this.colour(top.label)) ? "#000" : "#fff");
    mark.title = held.map((span) => this.labelText(span.label)).join(", ");
    if (under || (at === this.selected && this.chosen)) mark.classList.add("recto-chosen");
    else if (at === this.selected) mark.classList.add("recto-current");
    if (held.length > 1) mark.classList.add("recto-several");
    // Shown by CSS, so that it is no part of the text and of no selection.
    if (top.end === end) mark.dataset.tag = this.names.get(top.label)?.short ?? top.label;
    return mark;
  }

  private colour(label: string): string {
    return this.colours.get(label) ?? labelColour(this.labels.length);
  }

  private row(span: Span, at: number): HTMLLIElement {
    const text = this.offsets.text.slice(span.start, span.end);
    const told = `${this.labelText(span.label)}: ${text.length > 60 ? `${text.slice(0, 57)}…` : text}`;
    const swatch = h("span", { class: "swatch" });
    swatch.style.background = this.colour(span.label);
    const choose = h(
      "button",
      {
        type: "button",
        class: "label",
        "aria-pressed": String(at === this.selected && this.chosen),
        "aria-current": String(at === this.selected),
        onclick: () => this.select(at),
      },
      swatch,
      h("span", { class: "name" }, told),
    );
    const remove = h(
      "button",
      { type: "button", "aria-label": `Remove ${told}`, onclick: () => this.removeSpan(at) },
      "×",
    );
    return h("li", { class: "box" }, choose, remove);
  }

  // --- changing ---------------------------------------------------------------------------------------

  private commit(spans: readonly Span[]): void {
    this.spans.push(spans);
    this.show();
    this.answerChanged();
  }

  private takeSelection(): void {
    const selection = document.getSelection();
    if (!selection || selection.rangeCount === 0 || selection.isCollapsed) return;
    const range = selection.getRangeAt(0);
    if (!this.text.contains(range.startContainer) || !this.text.contains(range.endContainer)) return;
    const start = this.offsetOf(range.startContainer, range.startOffset);
    const end = this.offsetOf(range.endContainer, range.endOffset);
    selection.removeAllRanges();
    this.mark(start, end);
  }

  private offsetOf(node: Node, offset: number): number {
    const range = document.createRange();
    range.selectNodeContents(this.text);
    range.setEnd(node, offset);
    return range.toString().length;
  }

  private mark(start: number, end: number): void {
    const text = this.offsets.text;
    const part = this.snap ? wholeWords(text, start, end) : trimmed(text, start, end);
    if (!part || !this.label) return;
    const next = withSpan(
      this.spans.now,
      { ...part, label: this.label },
      this.hasAttribute("allow-overlapping-annotations"),
    );
    if (!next) return this.say("This would cut a labelled span: remove it first, or select all of it");
    this.cursor = null;
    this.chosen = false;
    this.selected = next.findIndex(
      (span) => span.start === part.start && span.end === part.end && span.label === this.label,
    );
    this.commit(next);
    this.say(`${this.labelText(this.label)}: ${text.slice(part.start, part.end)}`);
  }

  private clicked(event: MouseEvent): void {
    const mark = (event.target as HTMLElement).closest<HTMLElement>(".recto-span");
    if (mark) this.select(Number(mark.dataset.at));
  }

  private select(at: number): void {
    this.selected = at;
    this.chosen = at >= 0;
    this.cursor = null;
    const span = this.spans.now[at];
    if (span) {
      this.markLabel(span.label);
      this.say(
        `${this.labelText(span.label)}: ${this.offsets.text.slice(span.start, span.end)}, ${at + 1} of ${this.spans.now.length}`,
      );
    }
    this.show();
    this.text.querySelector(".recto-chosen")?.scrollIntoView({ block: "nearest" });
  }

  private removeSpan(at: number): void {
    if (!this.spans.now[at]) return;
    this.selected = -1;
    this.commit(this.spans.now.filter((_, other) => other !== at));
    this.say("Removed");
  }

  protected override readonly labelHelp = MARK_LABELS;

  protected override labelChosen(label: string): void {
    const span = this.spans.now[this.selected];
    const cursor = this.cursorRange();
    if (cursor) this.mark(cursor.start, cursor.end);
    else if (span && this.chosen && span.label !== label)
      this.commit(this.spans.now.map((one, at) => (at === this.selected ? { ...one, label } : one)));
  }

  // --- keys -------------------------------------------------------------------------------------------

  protected override key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const { key } = event;
    if (key === "ArrowRight" || key === "ArrowLeft")
      return this.moveCursor(key === "ArrowRight" ? 1 : -1, event.shiftKey);
    const cursor = this.cursorRange();
    if (key === "Enter" && cursor) return (this.mark(cursor.start, cursor.end), true);
    if (key === "n" || key === "p") return this.stepSpan(key === "n" ? 1 : -1);
    if (key === "Delete" || key === "Backspace")
      return this.selected >= 0 ? (this.removeSpan(this.selected), true) : false;
    if (key === "s")
      return ((this.snap = !this.snap), this.say(`Whole words ${this.snap ? "on" : "off"}`), true);
    if (key === "Escape" && (this.cursor || this.selected >= 0))
      return ((this.cursor = null), this.select(-1), true);
    return false;
  }

  private cursorRange(): { start: number; end: number } | null {
    if (!this.cursor) return null;
    const { from, to } = this.cursor;
    return { start: this.words[Math.min(from, to)]!.start, end: this.words[Math.max(from, to)]!.end };
  }

  private moveCursor(by: number, extends_: boolean): boolean {
    if (this.words.length === 0) return false;
    const last = this.words.length - 1;
    const now = this.cursor ?? this.beginning(by);
    const to = Math.min(last, Math.max(0, now.to + (this.cursor ? by : 0)));
    this.cursor = { from: extends_ && this.cursor ? now.from : to, to };
    this.selected = -1;
    const range = this.cursorRange()!;
    this.show();
    this.say(this.offsets.text.slice(range.start, range.end));
    this.text.querySelector(".recto-cursor, .recto-chosen")?.scrollIntoView({ block: "nearest" });
    return true;
  }

  /** The word after (or before) the selected span; without one the first (or last). */
  private beginning(by: number): { from: number; to: number } {
    const span = this.spans.now[this.selected];
    const last = this.words.length - 1;
    let at = by > 0 ? 0 : last;
    if (span && by > 0) at = this.words.findIndex((word) => word.start >= span.end);
    else if (span) at = this.words.filter((word) => word.end <= span.start).length - 1;
    at = at < 0 ? (by > 0 ? last : 0) : at;
    return { from: at, to: at };
  }

  private stepSpan(by: number): boolean {
    const { length } = this.spans.now;
    if (length)
      this.select(this.selected < 0 ? (by > 0 ? 0 : length - 1) : (this.selected + by + length) % length);
    return true;
  }

  protected override helpRows(): HelpRow[] {
    return HELP;
  }

  override undo(): boolean {
    return this.stepped(this.spans.undo());
  }
  override redo(): boolean {
    return this.stepped(this.spans.redo());
  }
  private stepped(done: boolean): boolean {
    if (!done) return false;
    this.selected = -1;
    this.show();
    this.answerChanged();
    return true;
  }
  override get canUndo(): boolean {
    return this.spans.canUndo;
  }
  override get canRedo(): boolean {
    return this.spans.canRedo;
  }

  // --- the answer -------------------------------------------------------------------------------------

  get value(): Answer {
    const points = (at: number): number => this.offsets.toPoints(at);
    return {
      entities: this.spans.now.map((span) => ({
        endOffset: points(span.end),
        label: span.label,
        startOffset: points(span.start),
      })),
    };
  }

  answerTo(answer: Answer): void {
    const modified = JSON.stringify(this.spans.now) !== JSON.stringify(this.given);
    answer[this.name] = {
      ...this.value,
      ...(this.hasAttribute("initial-value") ? { initialValueModified: modified } : {}),
    };
  }

  restore(draft: Answer): void {
    const part = draft[this.name] as { entities?: unknown } | undefined;
    if (!Array.isArray(part?.entities)) return;
    this.spans.reset(this.fromAnswer(part.entities));
    this.selected = -1;
    this.show();
  }

  override showMissing(): void {
    this.text.focus();
  }
}
