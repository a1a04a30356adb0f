// The card of one entity: what OCR read, and what the person says to it.
import { h } from "./dom";
import { STATUSES, type Entity, type Status } from "./ocr-review";

export interface CardActions {
  choose(status: Status): void;
  type(text: string): void;
  /** Typing is done; on to the next. */
  done(): void;
  leave(): void;
  /** Chosen: the card itself was clicked; else only something in it is used. */
  select(chosen: boolean): void;
  keep(): void;
}

export interface CardState {
  status: Status;
  override: string;
  colour: string;
  selected: boolean;
  earlier?: { status: Status; targetText: string; rawText: string } | undefined;
}

const WORDS = { correct: "Correct", wrong: "Wrong", unclear: "Unclear" } as const;

export class TranscriptionCard {
  readonly element = h("section", { class: "card" });
  private readonly title = h("strong");
  private readonly text = h("div", { class: "text" });
  private readonly override = h("textarea", { rows: "2", "aria-label": "Right text" });
  private readonly earlier = h("div", { class: "earlier", hidden: true });
  private readonly radios = new Map<Status, HTMLInputElement>();

  constructor(
    uid: string,
    private readonly actions: CardActions,
  ) {
    this.element.dataset.uid = uid;
    const choices = STATUSES.map((status) => {
      const radio = h("input", {
        type: "radio",
        name: `status-${uid}`,
        value: status,
        onchange: () => actions.choose(status),
      });
      this.radios.set(status, radio);
      return h("label", {}, radio, WORDS[status]);
    });
    const group = h(
      "div",
      { class: "choice", role: "radiogroup", "aria-label": "The transcription is" },
      ...choices,
    );
    this.override.addEventListener("input", () => actions.type(this.override.value));
    this.override.addEventListener("keydown", (event) => this.typed(event));
    this.element.addEventListener("focusin", () => actions.select(false));
    this.element.addEventListener("click", ({ target }) => {
      if (!(target as Element).closest("label, button, input, textarea")) actions.select(true);
    });
    this.element.append(this.title, this.text, this.earlier, group, this.override);
  }

  private typed(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey) this.actions.done();
    else if (event.key === "Escape") this.actions.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  show(entity: Entity, state: CardState): void {
    this.element.style.borderColor = state.colour;
    this.element.classList.toggle("selected", state.selected);
    this.element.setAttribute("aria-label", `${entity.label}: ${entity.text || "no text read"}`);
    if (this.title.textContent !== entity.label) this.title.textContent = entity.label;
    const text = entity.text || "(no text was read here)";
    if (this.text.textContent !== text) this.text.textContent = text;
    for (const [status, radio] of this.radios) radio.checked = status === state.status;
    this.radios.get("correct")!.disabled = entity.text === "";
    this.override.hidden = state.status !== "wrong";
    if (this.override.value !== state.override) this.override.value = state.override;
    this.showEarlier(state);
  }

  private showEarlier(state: CardState): void {
    const { earlier } = state;
    this.earlier.hidden = !earlier?.status;
    if (!earlier?.status || this.earlier.childElementCount) return;
    const keep = h("button", { type: "button", onclick: () => this.actions.keep() }, "Keep");
    const told = `Earlier: ${WORDS[earlier.status as "correct"]}${earlier.targetText ? `, “${earlier.targetText}”` : ""} `;
    this.earlier.append(h("span", {}, told), keep);
  }

  edit(): void {
    this.override.hidden = false;
    this.override.focus();
    this.override.setSelectionRange(this.override.value.length, this.override.value.length);
  }

  focus(): void {
    if (!this.override.hidden) this.override.focus();
    else
      (this.radios.get("correct")!.disabled ? this.radios.get("wrong") : this.radios.get("correct"))!.focus();
  }
}
