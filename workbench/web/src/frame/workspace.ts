// The room around a tool: heading, buttons, instructions beside, labels, help; and the keys that reach the tool.
import { changed, type Answer, type Answering } from "./answering";
import { Announcer, h, isTyping, shadow } from "./dom";
import { labelAtKey, labelColour, labelKey } from "./labels";
import { AttributeError, readLenient, readStrings } from "./lenient";
import { isShownAround, pageHasButtons, tell } from "./link";
import { WORKSPACE } from "./style";

export type HelpRow = [keys: string, does: string];

const COMMON_HELP: HelpRow[] = [
  ["Ctrl+Z, Ctrl+Y", "undo, redo"],
  ["Ctrl+Enter", "submit"],
  ["?", "this help"],
];
export const MARK_LABELS = "the label of what you mark next; of a mark that you selected: change it";
export const PICTURE_HELP: HelpRow[] = [
  ["+ − 0", "zoom in, zoom out, the whole picture"],
  ["f", "as wide as the window"],
  ["arrows", "move the picture, or what is selected"],
  ["Space + drag, wheel, Ctrl + wheel", "move the picture, zoom at the pointer"],
];

/** The last tool that was used gets the keys; the first one before that. */
let active: Tool | null = null;

export abstract class Tool extends HTMLElement implements Answering {
  protected labels: string[] = [];
  protected colours = new Map<string, string>();
  protected label = "";
  protected readonly announcer = new Announcer();
  protected readonly left = h("aside", { "aria-label": "Instructions", tabindex: "0" });
  protected readonly right = h("aside", { "aria-label": "Labels", tabindex: "0" });
  protected readonly centre = h("div", { class: "centre" });
  protected readonly bar = h("div", { class: "bar", role: "toolbar", "aria-label": "Tools" });
  protected readonly labelList = h("ul", { class: "plain" });
  protected readonly said = h("div", { class: "said", "aria-hidden": "true" });
  private readonly guidance = h("div", { class: "guidance", hidden: true });
  private readonly help = h("dialog", { "aria-label": "Keys" });
  private readonly undoButton = this.button("Undo", "Ctrl+Z", () => this.undo());
  private readonly redoButton = this.button("Redo", "Ctrl+Y", () => this.redo());
  private built = false;

  abstract answerTo(answer: Answer): void;
  abstract restore(answer: Answer): void;
  abstract undo(): boolean;
  abstract redo(): boolean;
  abstract get canUndo(): boolean;
  abstract get canRedo(): boolean;
  /** Fills the centre and starts; called once. */
  protected abstract begin(): void | Promise<unknown>;
  protected abstract helpRows(): HelpRow[];
  /** A key that no text field wants. True if it was used. */
  protected abstract key(event: KeyboardEvent): boolean;
  protected readonly labelHelp: string = "choose a label";
  protected labelChosen(_label: string): void {}

  missing(): string | null {
    return null;
  }
  showMissing(): void {}

  get name(): string {
    return this.getAttribute("name") ?? this.localName;
  }

  connectedCallback(): void {
    active ??= this;
    document.addEventListener("keydown", this.onKey);
    // A form around may move us: what is built stays as it is.
    if (this.built) return;
    this.built = true;
    this.addEventListener("focusin", () => (active = this));
    this.addEventListener("pointerdown", () => (active = this));
    this.build();
    try {
      this.readLabels();
      const begun = this.begin();
      if (begun instanceof Promise) begun.catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
    this.refreshUndo();
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.onKey);
    if (active === this) active = null;
  }

  /** The person sees why, the page around is told. */
  protected fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.centre.append(
      h("p", { class: "fault", role: "alert" }, `This task cannot be shown rightly: ${text}`),
    );
    tell({ type: "error", message: `${this.localName}: ${text}` });
  }

  protected attribute(name: string): unknown {
    const text = this.getAttribute(name);
    if (text === null || text.trim() === "") return null;
    try {
      return readLenient(text);
    } catch (error) {
      throw new AttributeError(`the attribute ${name} cannot be read: ${(error as Error).message}`);
    }
  }

  protected readLabels(): void {
    try {
      this.setLabels(readStrings(this.getAttribute("labels") ?? this.getAttribute("categories")));
    } catch (error) {
      throw new AttributeError(`the labels cannot be read: ${(error as Error).message}`);
    }
  }

  protected setLabels(labels: string[]): void {
    this.labels = labels;
    this.colours = new Map(labels.map((label, at) => [label, labelColour(at)]));
    this.label = labels[0] ?? "";
    this.showLabels();
  }

  // --- layout -----------------------------------------------------------------------------------------

  private build(): void {
    const header = this.getAttribute("header") ?? "";
    const heading = h("h1", { class: isShownAround(header) && "hidden-visually" }, header);
    const helpButton = this.button("Keys", "?", () => this.toggleHelp());
    if (!pageHasButtons()) this.bar.append(this.undoButton, this.redoButton, helpButton);
    this.regions();
    this.right.append(h("h2", {}, "Labels"), this.labelList, this.guidance);
    const bottom = h("div", { class: "bottom" }, this.said, this.announcer.element);
    const whole = h(
      "div",
      { class: "workspace" },
      h("div", { class: "top" }, heading, this.bar),
      this.left,
      this.centre,
      this.right,
      bottom,
    );
    shadow(this, WORKSPACE, whole, this.help);
  }

  private regions(): void {
    const short = this.querySelector(":scope > short-instructions");
    const full = this.querySelector(":scope > full-instructions");
    // Nothing to say: the page has the room. Tools that put something there show it again.
    this.left.hidden = !full && !short?.textContent?.trim() && !short?.childElementCount;
    short?.setAttribute("slot", "short");
    full?.setAttribute("slot", "full");
    this.left.append(h("h2", {}, "Instructions"), h("slot", { name: "short" }));
    if (full) {
      const summary = full.getAttribute("header") || "More instructions";
      // With nothing else beside the page there is room for all of it.
      const open = !short?.textContent?.trim();
      this.left.append(h("details", { open }, h("summary", {}, summary), h("slot", { name: "full" })));
    }
  }

  protected button(text: string, key: string, does: () => void): HTMLButtonElement {
    return h(
      "button",
      { type: "button", title: key ? `${text} (${key})` : text, onclick: () => does() },
      text,
    );
  }

  protected showLabels(): void {
    this.labelList.replaceChildren(
      ...this.labels.map((label, at) => {
        const key = labelKey(at);
        const swatch = h("span", { class: "swatch" });
        swatch.style.background = this.colours.get(label) ?? "#000";
        const choose = h(
          "button",
          {
            type: "button",
            class: "label",
            "aria-pressed": label === this.label,
            "data-label": label,
            onclick: () => this.chooseLabel(label),
          },
          swatch,
          h("span", { class: "name" }, this.labelText(label)),
          key && h("kbd", { "aria-hidden": "true" }, key),
        );
        choose.setAttribute("aria-pressed", String(label === this.label));
        return h("li", {}, choose);
      }),
    );
    this.showGuidance();
  }

  protected labelText(label: string): string {
    return label;
  }

  protected chooseLabel(label: string): void {
    this.markLabel(label);
    this.labelChosen(label);
  }

  /** Shows which label is chosen, and its guidance; nothing else follows. */
  protected markLabel(label: string): void {
    this.label = label;
    for (const button of this.labelList.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.label === label));
    }
    this.showGuidance();
  }

  private showGuidance(): void {
    const found = [...this.querySelectorAll<HTMLElement>("[data-label].recto-guidance")].find(
      (section) => section.dataset.label === this.label,
    );
    this.guidance.hidden = !found;
    this.guidance.replaceChildren(...(found ? [found.cloneNode(true)] : []));
  }

  /** The keys of this task; those that the page around has as well are not said again. */
  keys(): HelpRow[] {
    const labels: HelpRow[] = this.labels.length ? [["1–9, then letters", this.labelHelp]] : [];
    return [...this.helpRows(), ...labels];
  }

  protected toggleHelp(): void {
    // The page around shows its keys and ours in one overlay.
    if (pageHasButtons()) return tell({ type: "key", key: "?" });
    if (this.help.open) return this.help.close();
    const rows = [...this.keys(), ...COMMON_HELP];
    const table = h(
      "table",
      {},
      h(
        "tbody",
        {},
        ...rows.map(([keys, does]) => h("tr", {}, h("td", {}, h("kbd", {}, keys)), h("td", {}, does))),
      ),
    );
    this.help.replaceChildren(
      h("h2", {}, "Keys"),
      table,
      h("button", { type: "button", class: "primary", onclick: () => this.help.close() }, "Close"),
    );
    this.help.showModal();
  }

  // --- changes ----------------------------------------------------------------------------------------

  protected answerChanged(): void {
    this.refreshUndo();
    changed(this);
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  protected refreshUndo(): void {
    this.undoButton.disabled = !this.canUndo;
    this.redoButton.disabled = !this.canRedo;
  }

  protected say = (text: string): void => {
    this.announcer.say(text);
    this.said.textContent = text;
  };

  // --- keys -------------------------------------------------------------------------------------------

  private readonly onKey = (event: KeyboardEvent): void => {
    if (active !== this || event.defaultPrevented || this.help.open) return;
    if (this.used(event)) event.preventDefault();
  };

  private used(event: KeyboardEvent): boolean {
    const target = event.composedPath()[0] ?? null;
    const command = event.ctrlKey || event.metaKey;
    if (
      (command && event.key === "Enter") ||
      (event.altKey && event.shiftKey && !event.key.startsWith("Arrow"))
    )
      return false;
    if (isTyping(target)) return this.typingKey(event);
    if (command && event.key.toLowerCase() === "z") return (event.shiftKey ? this.redo() : this.undo(), true);
    if (command && event.key.toLowerCase() === "y") return (this.redo(), true);
    if (target instanceof HTMLInputElement && event.key.startsWith("Arrow")) return false;
    if (
      target instanceof HTMLElement &&
      target.matches("button, summary, a, input") &&
      ["Enter", " "].includes(event.key)
    )
      return false;
    if (event.key === "?") return (this.toggleHelp(), true);
    if (this.key(event)) return true;
    return !command && !event.altKey && this.labelKeyed(event.key);
  }

  protected typingKey(_event: KeyboardEvent): boolean {
    return false;
  }

  private labelKeyed(key: string): boolean {
    const at = labelAtKey(key, this.labels.length);
    if (at === null) return false;
    this.chooseLabel(this.labels[at]!);
    return true;
  }
}
