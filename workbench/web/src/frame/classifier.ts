// crowd-classifier, crowd-image-classifier and their multi-select kin: one class, or several, for a thing that is shown.
import { changed, type Answer } from "./answering";
import { BoxEditor } from "./boxes";
import { givenBoxes } from "./bounding-box";
import { h } from "./dom";
import { randomUid } from "./groups";
import { History } from "./history";
import { labelColour, labelKey } from "./labels";
import { PictureTool } from "./picture";
import { PICTURE_HELP, type HelpRow } from "./workspace";

interface Overlay {
  boundingBox?: { labels?: unknown; value?: unknown };
  semanticSegmentation?: { src?: unknown };
}

abstract class Classifier extends PictureTool {
  private readonly chosen = new History<readonly string[]>([]);
  private readonly list = h("div", { class: "categories" });
  private readonly comment = h("textarea", { rows: "3" });
  private exclusive: string | null = null;
  protected abstract readonly several: boolean;

  protected override begin(): Promise<unknown> | void {
    this.right.querySelector("h2")!.textContent = this.several ? "Choose all that apply" : "Choose one";
    const exclusion = this.attribute("exclusion-category") as { text?: unknown } | null;
    if (this.several && exclusion?.text) {
      this.exclusive = String(exclusion.text);
      this.labels = [...this.labels, this.exclusive];
    }
    this.labelList.replaceWith(this.list);
    this.showCategories();
    this.addComment();
    return this.showTarget();
  }

  protected abstract showTarget(): Promise<unknown> | void;

  private showCategories(): void {
    const group = `choice-${randomUid()}`;
    this.list.setAttribute("role", this.several ? "group" : "radiogroup");
    this.list.setAttribute("aria-label", this.getAttribute("header") ?? "Categories");
    this.list.replaceChildren(
      ...this.labels.map((label, at) => {
        const input = h("input", { type: this.several ? "checkbox" : "radio", name: group, value: label });
        input.addEventListener("change", () => this.choose(label));
        const key = labelKey(at);
        return h(
          "label",
          {},
          input,
          h("span", { class: "name" }, label),
          key && h("kbd", { "aria-hidden": "true" }, key),
        );
      }),
    );
  }

  private addComment(): void {
    const region = this.querySelector(":scope > worker-comment");
    if (!region) return;
    region.setAttribute("slot", "comment");
    this.comment.placeholder = region.getAttribute("placeholder") ?? "";
    this.comment.addEventListener("input", () => changed(this));
    const label = region.getAttribute("header") ?? "Add a comment";
    this.comment.setAttribute("aria-label", label);
    this.right.append(
      h(
        "details",
        { class: "comment" },
        h("summary", {}, region.getAttribute("link-text") ?? label),
        h("slot", { name: "comment" }),
        this.comment,
      ),
    );
  }

  private choose(label: string): void {
    const now = this.chosen.now;
    if (!this.several) this.chosen.push([label]);
    else if (now.includes(label)) this.chosen.push(now.filter((one) => one !== label));
    else if (label === this.exclusive) this.chosen.push([label]);
    else this.chosen.push([...now.filter((one) => one !== this.exclusive), label]);
    this.show();
    this.say(this.chosen.now.join(", ") || "nothing chosen");
    this.answerChanged();
  }

  private show(): void {
    for (const input of this.list.querySelectorAll("input"))
      input.checked = this.chosen.now.includes(input.value);
    this.refreshUndo();
  }

  protected override chooseLabel(label: string): void {
    this.choose(label);
  }

  protected override key(event: KeyboardEvent): boolean {
    if (this.pictureKey(event)) return true;
    if (!event.key.startsWith("Arrow") || event.ctrlKey || event.metaKey) return false;
    const dx = { ArrowLeft: 60, ArrowRight: -60 }[event.key] ?? 0;
    const dy = { ArrowUp: 60, ArrowDown: -60 }[event.key] ?? 0;
    return (this.stage.pan(dx, dy), true);
  }

  protected override helpRows(): HelpRow[] {
    return PICTURE_HELP;
  }

  get value(): Answer {
    const answer: Answer = {};
    this.answerTo(answer);
    return answer[this.name] as Answer;
  }

  answerTo(answer: Answer): void {
    const order = this.labels.filter((label) => this.chosen.now.includes(label));
    const part: Answer = this.several ? { labels: order } : { label: order[0] ?? "" };
    if (this.comment.value.trim()) part.workerComment = this.comment.value;
    if (order.length || this.comment.value.trim()) answer[this.name] = part;
  }

  restore(draft: Answer): void {
    const part = draft[this.name] as
      { label?: unknown; labels?: unknown; workerComment?: unknown } | undefined;
    if (!part) return;
    const labels = Array.isArray(part.labels) ? part.labels.map(String) : [String(part.label ?? "")];
    this.chosen.reset(labels.filter((label) => this.labels.includes(label)));
    if (typeof part.workerComment === "string") this.comment.value = part.workerComment;
    this.show();
  }

  override missing(): string | null {
    return this.chosen.now.length
      ? null
      : this.several
        ? "choose at least one category"
        : "choose a category";
  }

  override showMissing(): void {
    this.list.querySelector("input")?.focus();
  }

  override undo(): boolean {
    return this.step(this.chosen.undo());
  }
  override redo(): boolean {
    return this.step(this.chosen.redo());
  }
  private step(done: boolean): boolean {
    if (done) (this.show(), this.answerChanged());
    return done;
  }
  override get canUndo(): boolean {
    return this.chosen.canUndo;
  }
  override get canRedo(): boolean {
    return this.chosen.canRedo;
  }
}

// --- pictures -----------------------------------------------------------------------------------------

abstract class ImageClassifier extends Classifier {
  protected override async showTarget(): Promise<void> {
    const loading = this.loadPicture();
    const overlay = this.attribute("overlay") as Overlay | null;
    if (overlay?.boundingBox) this.overlayBoxes(overlay.boundingBox);
    if (overlay?.semanticSegmentation?.src) this.overlayPaint(String(overlay.semanticSegmentation.src));
    await loading;
  }

  private overlayBoxes(given: { labels?: unknown; value?: unknown }): void {
    const boxes = givenBoxes(given.value);
    const labels = [
      ...new Set([
        ...(Array.isArray(given.labels) ? given.labels.map(String) : []),
        ...boxes.map((box) => box.label),
      ]),
    ];
    const editor = new BoxEditor(this.stage);
    editor.editable = false;
    editor.colours = new Map(labels.map((label, at) => [label, labelColour(at)]));
    editor.start(boxes.map((box) => ({ ...box, id: randomUid(), suggested: false })));
    this.right.append(h("h2", {}, `Boxes shown: ${boxes.length}`), legend(labels));
  }

  private overlayPaint(src: string): void {
    const paint = h("img", { class: "paint", alt: "", src });
    this.stage.image.after(paint);
    this.stage.follow = ({ scale, x, y }) =>
      (paint.style.transform = `matrix(${scale},0,0,${scale},${x},${y})`);
  }
}

function legend(labels: string[]): HTMLElement {
  return h(
    "ul",
    { class: "plain" },
    ...labels.map((label, at) => {
      const swatch = h("span", { class: "swatch" });
      swatch.style.background = labelColour(at);
      return h("li", { class: "label" }, swatch, h("span", { class: "name" }, label));
    }),
  );
}

export class CrowdImageClassifier extends ImageClassifier {
  protected readonly several = false;
}

export class CrowdImageClassifierMultiSelect extends ImageClassifier {
  protected readonly several = true;
}

// --- anything else ------------------------------------------------------------------------------------

abstract class TargetClassifier extends Classifier {
  protected override showTarget(): void {
    this.querySelector(":scope > classification-target")?.setAttribute("slot", "target");
    this.centre.append(
      h(
        "div",
        { class: "target", tabindex: "0", role: "region", "aria-label": "What to classify" },
        h("slot", { name: "target" }),
      ),
    );
  }
  protected override pictureKey(): boolean {
    return false;
  }
  protected override helpRows(): HelpRow[] {
    return [];
  }
}

export class CrowdClassifier extends TargetClassifier {
  protected readonly several = false;
}

export class CrowdClassifierMultiSelect extends TargetClassifier {
  protected readonly several = true;
}
