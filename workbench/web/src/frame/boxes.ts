// Drawing and changing boxes on a stage, by mouse, pen and keyboard. Knows nothing of forms and answers.
import {
  between,
  contains,
  enclosing,
  moved,
  resized,
  right,
  bottom,
  snapped,
  within,
  type Handle,
  type Rect,
} from "./geometry";
import type { LabelledBox } from "./groups";
import { randomUid } from "./groups";
import { History } from "./history";
import type { Point, Stage } from "./stage";
import { inReadingOrder, type Word } from "./words";

export interface EditBox extends LabelledBox {
  /** Proposed by a model or an earlier job, and not yet accepted or changed. */
  suggested: boolean;
}

type Boxes = readonly EditBox[];

interface Gesture {
  kind: "draw" | "move" | "resize" | "pan";
  from: Point;
  last: Point;
  handle?: Handle;
  box?: EditBox;
  started: boolean;
}

const HANDLE_REACH = 8;
const CLICK_REACH = 4;
const KEY_PAUSE_MS = 800;

export class BoxEditor {
  readonly history = new History<Boxes>([]);
  labels: string[] = [];
  colours = new Map<string, string>();
  label = "";
  selected: string | null = null;
  /** Whether a person selected it, so that a label is for it; a box just drawn only has the keys. */
  chosen = false;
  words: Word[] = [];
  old: readonly (Rect & { label: string })[] = [];
  showWords = true;
  showOld = true;
  snap = true;
  editable = true;
  /** Boxes changed, so that an answer changed. */
  onChange: () => void = () => undefined;
  /** Another box is selected, or another label. */
  onSelect: () => void = () => undefined;
  say: (text: string) => void = () => undefined;
  private wordPath = new Path2D();
  private wordAt = -1;
  private gesture: Gesture | null = null;
  private draft: Rect | null = null;
  private spaceDown = false;
  private lastKeyChange = { id: "", at: 0 };

  constructor(private readonly stage: Stage) {
    stage.draw = (context, unit) => this.draw(context, unit);
    const on = stage.element;
    on.addEventListener("pointerdown", (event) => this.down(event));
    on.addEventListener("pointermove", (event) => this.moveTo(event));
    on.addEventListener("pointerup", (event) => this.up(event));
    on.addEventListener("pointercancel", () => this.cancel());
    window.addEventListener("keyup", (event) => event.key === " " && (this.spaceDown = false));
  }

  get boxes(): Boxes {
    return this.history.now;
  }

  get current(): EditBox | null {
    return this.boxes.find((box) => box.id === this.selected) ?? null;
  }

  setWords(words: Word[]): void {
    this.words = inReadingOrder(words);
    this.wordPath = new Path2D();
    for (const word of words) this.wordPath.rect(word.left, word.top, word.width, word.height);
    this.stage.changed();
  }

  start(boxes: Boxes): void {
    this.history.reset(boxes);
    this.selected = null;
    this.stage.changed();
  }

  select(id: string | null, reveal = false, chosen = true): void {
    this.selected = id;
    this.chosen = chosen && id !== null;
    const box = this.current;
    if (box && reveal) this.stage.reveal(box);
    if (box) this.say(this.told(box));
    this.onSelect();
    this.stage.changed();
  }

  chooseLabel(label: string): void {
    this.label = label;
    const box = this.chosen ? this.current : null;
    const changes = box && box.label !== label && this.editable;
    if (changes) this.change({ ...box, label });
    this.say(changes ? `Changed to ${label}` : `Label ${label}`);
    this.onSelect();
  }

  accept(id: string): void {
    const box = this.boxes.find((one) => one.id === id);
    if (box?.suggested) this.change({ ...box }, false);
  }

  acceptAll(): void {
    if (!this.boxes.some((box) => box.suggested)) return;
    this.commit(this.boxes.map((box) => ({ ...box, suggested: false })));
    this.say("All suggestions accepted");
  }

  remove(id: string): void {
    const at = this.boxes.findIndex((box) => box.id === id);
    if (at < 0) return;
    this.commit(this.boxes.filter((box) => box.id !== id));
    // Nobody asked for the box that is next: a label is not for it.
    if (this.selected === id)
      this.select(this.boxes[Math.min(at, this.boxes.length - 1)]?.id ?? null, false, false);
    this.say("Box deleted");
  }

  add(drawn: Rect, select = true): EditBox {
    const fitting = this.snap
      ? snapped(drawn, this.words, 12 / this.stage.view.scale + 6, this.stage.size)
      : drawn;
    const box = { ...within(fitting, this.stage.size), id: randomUid(), label: this.label, suggested: false };
    this.commit([...this.boxes, box]);
    if (select) this.select(box.id, false, false);
    return box;
  }

  undo(): boolean {
    return this.after(this.history.undo());
  }

  redo(): boolean {
    return this.after(this.history.redo());
  }

  private after(done: boolean): boolean {
    if (!done) return false;
    if (!this.current) this.selected = null;
    this.onSelect();
    this.onChange();
    this.stage.changed();
    return true;
  }

  private commit(boxes: Boxes): void {
    this.history.push(boxes);
    this.lastKeyChange = { id: "", at: 0 };
    this.onChange();
    this.stage.changed();
  }

  /** A changed box is accepted by that. */
  private change(box: EditBox, joined = false): void {
    const next = this.boxes.map((one) => (one.id === box.id ? { ...box, suggested: false } : one));
    if (joined) this.history.replace(next);
    else this.history.push(next);
    this.onChange();
    this.stage.changed();
  }

  // --- keyboard ---------------------------------------------------------------------------------------

  key(event: KeyboardEvent): boolean {
    const { key } = event;
    if (key === " ") return (this.spaceDown = true);
    if (key === "Escape") return this.cancel() || this.deselect();
    if (key === "n" || key === "p") return this.step(key === "n" ? 1 : -1);
    if (key === "w") return this.toggle("showWords", "Words");
    if (key === "s") return this.toggle("snap", "Snapping to words");
    if (key === "o") return this.toggle("showOld", "Earlier labels");
    if (key === "." || key === ",") return this.stepWord(key === "." ? 1 : -1);
    if (key.startsWith("Arrow")) return this.arrow(event);
    if (!this.editable) return false;
    if (key === ">" || key === ":") return this.extendByWord();
    if (key === "b" || key === "Insert") return this.newBox();
    if (key === "Delete" || key === "Backspace")
      return this.current ? (this.remove(this.current.id), true) : false;
    if (key === "Enter" && event.shiftKey) return (this.acceptAll(), true);
    if (key === "Enter" && this.current?.suggested) return (this.accept(this.current.id), true);
    return false;
  }

  private toggle(what: "showWords" | "snap" | "showOld", name: string): boolean {
    this[what] = !this[what];
    this.say(`${name} ${this[what] ? "on" : "off"}`);
    this.onSelect();
    this.stage.changed();
    return true;
  }

  private deselect(): boolean {
    if (!this.selected && this.wordAt < 0) return false;
    if (this.selected) this.select(null);
    else this.wordAt = -1;
    this.stage.changed();
    return true;
  }

  private step(by: number): boolean {
    const { boxes } = this;
    if (boxes.length === 0) return (this.say("No boxes"), true);
    const at = boxes.findIndex((box) => box.id === this.selected);
    const next = at < 0 ? (by > 0 ? 0 : boxes.length - 1) : (at + by + boxes.length) % boxes.length;
    this.select(boxes[next]!.id, true);
    return true;
  }

  private stepWord(by: number): boolean {
    if (this.words.length === 0) return false;
    if (this.wordAt < 0) this.wordAt = this.firstSeenWord();
    else this.wordAt = (this.wordAt + by + this.words.length) % this.words.length;
    const word = this.words[this.wordAt]!;
    this.selected = null;
    this.stage.reveal(word);
    this.say(word.text);
    this.onSelect();
    this.stage.changed();
    return true;
  }

  private firstSeenWord(): number {
    const seen = this.stage.seen();
    return Math.max(
      0,
      this.words.findIndex((word) => contains(seen, word.left, word.top)),
    );
  }

  private newBox(): boolean {
    const word = this.words[this.wordAt];
    if (word && !this.current) {
      this.add(word);
      return true;
    }
    const seen = this.stage.seen();
    const width = Math.min(seen.width, this.stage.size.width) / 6;
    const height = Math.min(seen.height, this.stage.size.height) / 6;
    const left = seen.left + seen.width / 2 - width / 2;
    this.add({ left, top: seen.top + seen.height / 2 - height / 2, width, height });
    return true;
  }

  /** The selected box takes in the next word as well. */
  private extendByWord(): boolean {
    const box = this.current;
    if (!box || this.wordAt < 0 || this.wordAt + 1 >= this.words.length) return false;
    this.wordAt += 1;
    const word = this.words[this.wordAt]!;
    this.change({ ...box, ...within(enclosing([box, word])!, this.stage.size) });
    this.say(word.text);
    return true;
  }

  private arrow(event: KeyboardEvent): boolean {
    const far = event.ctrlKey || event.altKey ? 10 : 1;
    const dx = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    const dy = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
    const box = this.current;
    if (!box || !this.editable) return (this.stage.pan(-dx * 60, -dy * 60), true);
    const image = this.stage.size;
    const next = event.shiftKey
      ? resized(box, "se", right(box) + dx * far, bottom(box) + dy * far, image)
      : moved(box, dx * far, dy * far, image);
    const now = performance.now();
    const joined = this.lastKeyChange.id === box.id && now - this.lastKeyChange.at < KEY_PAUSE_MS;
    this.change({ ...box, ...next }, joined);
    this.lastKeyChange = { id: box.id, at: now };
    this.stage.reveal(next);
    return true;
  }

  // --- pointer ----------------------------------------------------------------------------------------

  private down(event: PointerEvent): void {
    this.stage.element.focus({ preventScroll: true });
    const from = this.stage.toImage(event);
    const pans = event.button === 1 || this.spaceDown || event.button === 2;
    if (event.button !== 0 && !pans) return;
    event.preventDefault();
    this.stage.element.setPointerCapture(event.pointerId);
    const last = { x: event.clientX, y: event.clientY };
    this.gesture = { kind: "pan", from, last, started: false };
    if (pans || !this.stage.size.width) return;
    const box = this.current;
    const handle = box && this.editable && !event.altKey ? this.handleAt(box, from) : null;
    if (box && handle) this.gesture = { ...this.gesture, kind: "resize", handle, box };
    else if (box && this.editable && !event.altKey && contains(box, from.x, from.y))
      this.gesture = { ...this.gesture, kind: "move", box };
    else if (this.editable) this.gesture = { ...this.gesture, kind: "draw" };
  }

  private moveTo(event: PointerEvent): void {
    const gesture = this.gesture;
    if (!gesture) return this.point(event);
    const to = this.stage.toImage(event);
    const moves = Math.hypot(to.x - gesture.from.x, to.y - gesture.from.y) * this.stage.view.scale;
    if (!gesture.started && gesture.kind !== "pan" && moves < CLICK_REACH) return;
    const first = !gesture.started;
    gesture.started = true;
    if (gesture.kind === "pan") {
      this.stage.pan(event.clientX - gesture.last.x, event.clientY - gesture.last.y);
      gesture.last = { x: event.clientX, y: event.clientY };
    } else if (gesture.kind === "draw") {
      this.draft = between(gesture.from.x, gesture.from.y, to.x, to.y);
      this.stage.changed();
    } else this.drag(gesture, to, first);
  }

  private drag(gesture: Gesture, to: Point, first: boolean): void {
    const box = gesture.box!;
    const image = this.stage.size;
    const next =
      gesture.kind === "move"
        ? moved(box, to.x - gesture.from.x, to.y - gesture.from.y, image)
        : resized(box, gesture.handle!, to.x, to.y, image);
    this.change({ ...box, ...next }, !first);
  }

  private up(event: PointerEvent): void {
    const gesture = this.gesture;
    this.gesture = null;
    if (!gesture) return;
    if (gesture.kind === "draw" && this.draft) {
      const drawn = this.draft;
      this.draft = null;
      if (drawn.width >= 1 && drawn.height >= 1) this.add(drawn);
      this.stage.changed();
    } else if (!gesture.started) this.click(gesture.from, event);
  }

  /** The smallest box under the pointer; the next one on a further click at the same place. */
  private click(at: Point, event: PointerEvent): void {
    if (event.button !== 0) return;
    const reach = CLICK_REACH / this.stage.view.scale;
    const hit = this.boxes
      .filter((box) => contains(grown(box, reach), at.x, at.y))
      .sort((a, b) => a.width * a.height - b.width * b.height);
    // A box just drawn is selected by its first click.
    const now = hit.findIndex((box) => box.id === this.selected) - (this.chosen ? 0 : 1);
    this.select(hit.length ? hit[Math.max(0, now + 1) % hit.length]!.id : null);
    this.wordAt = this.words.findIndex((word) => contains(word, at.x, at.y));
    this.stage.changed();
  }

  /** Ends a gesture without effect. */
  private cancel(): boolean {
    const going = this.gesture !== null;
    if (this.gesture?.started && this.gesture.box) (this.history.undo(), this.onChange());
    this.gesture = null;
    this.draft = null;
    if (going) this.stage.changed();
    return going;
  }

  private point(event: PointerEvent): void {
    const box = this.current;
    const at = this.stage.toImage(event);
    const handle = box && this.editable ? this.handleAt(box, at) : null;
    const inside = box && this.editable && contains(box, at.x, at.y);
    this.stage.element.style.cursor = handle
      ? `${handle}-resize`
      : inside
        ? "move"
        : this.editable
          ? "crosshair"
          : "grab";
  }

  private handleAt(box: Rect, at: Point): Handle | null {
    const reach = HANDLE_REACH / this.stage.view.scale;
    if (!contains(grown(box, reach), at.x, at.y)) return null;
    // In a small box the middle still moves it.
    const x = Math.min(reach, box.width / 3);
    const y = Math.min(reach, box.height / 3);
    const vertical = at.y <= box.top + y ? "n" : at.y >= bottom(box) - y ? "s" : "";
    const horizontal = at.x <= box.left + x ? "w" : at.x >= right(box) - x ? "e" : "";
    return (vertical + horizontal || null) as Handle | null;
  }

  told(box: EditBox): string {
    const at = this.boxes.findIndex((one) => one.id === box.id) + 1;
    const kind = box.suggested ? "suggested box" : "box";
    return `${box.label}, ${kind} ${at} of ${this.boxes.length}, left ${box.left}, top ${box.top}, ${box.width} by ${box.height} pixels`;
  }

  // --- drawing ----------------------------------------------------------------------------------------

  private draw(context: CanvasRenderingContext2D, unit: number): void {
    if (this.showWords && this.words.length) this.drawWords(context, unit);
    if (this.showOld) this.drawOld(context, unit);
    for (const box of this.boxes) this.drawBox(context, box, unit);
    if (this.draft) this.outline(context, this.draft, this.colours.get(this.label) ?? "#000", 2 * unit);
    const box = this.current;
    if (box && this.editable) this.drawHandles(context, box, unit);
  }

  private drawWords(context: CanvasRenderingContext2D, unit: number): void {
    context.lineWidth = unit;
    context.strokeStyle = "rgba(11, 92, 173, .45)";
    context.stroke(this.wordPath);
    const word = this.words[this.wordAt];
    if (!word) return;
    context.fillStyle = "rgba(255, 200, 0, .35)";
    context.fillRect(word.left, word.top, word.width, word.height);
    this.outline(context, word, "#7a4b00", 2 * unit);
  }

  private drawOld(context: CanvasRenderingContext2D, unit: number): void {
    context.setLineDash([2 * unit, 3 * unit]);
    for (const box of this.old) {
      if (this.boxes.some((now) => sameRect(now, box))) continue;
      this.outline(context, box, "#3d3d3d", 1.5 * unit);
    }
    context.setLineDash([]);
  }

  private drawBox(context: CanvasRenderingContext2D, box: EditBox, unit: number): void {
    const colour = this.colours.get(box.label) ?? "#000";
    const chosen = this.chosen && box.id === this.selected;
    context.globalAlpha = chosen ? 0.3 : 0.12;
    context.fillStyle = colour;
    context.fillRect(box.left, box.top, box.width, box.height);
    context.globalAlpha = 1;
    if (box.suggested) context.setLineDash([6 * unit, 4 * unit]);
    this.outline(context, box, colour, (chosen ? 3 : 2) * unit);
    context.setLineDash([]);
    if (chosen || this.boxes.length <= 150) this.drawTag(context, box, colour, unit);
  }

  private drawTag(context: CanvasRenderingContext2D, box: EditBox, colour: string, unit: number): void {
    context.font = `${11 * unit}px system-ui, sans-serif`;
    const width = context.measureText(box.label).width + 6 * unit;
    const top = Math.max(0, box.top - 14 * unit);
    context.fillStyle = colour;
    context.fillRect(box.left, top, width, 14 * unit);
    context.fillStyle = darkText(colour) ? "#000" : "#fff";
    context.fillText(box.label, box.left + 3 * unit, top + 11 * unit);
  }

  private drawHandles(context: CanvasRenderingContext2D, box: Rect, unit: number): void {
    const size = 7 * unit;
    context.fillStyle = "#fff";
    context.strokeStyle = "#16191f";
    context.lineWidth = unit;
    for (const x of [box.left, box.left + box.width / 2, right(box)]) {
      for (const y of [box.top, box.top + box.height / 2, bottom(box)]) {
        if (x === box.left + box.width / 2 && y === box.top + box.height / 2) continue;
        context.fillRect(x - size / 2, y - size / 2, size, size);
        context.strokeRect(x - size / 2, y - size / 2, size, size);
      }
    }
  }

  private outline(context: CanvasRenderingContext2D, box: Rect, colour: string, width: number): void {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(box.left, box.top, box.width, box.height);
  }
}

const grown = (box: Rect, by: number): Rect => ({
  left: box.left - by,
  top: box.top - by,
  width: box.width + 2 * by,
  height: box.height + 2 * by,
});

const sameRect = (a: Rect & { label: string }, b: Rect & { label: string }): boolean =>
  a.left === b.left && a.top === b.top && a.width === b.width && a.height === b.height && a.label === b.label;

/** Whether black is read better than white on this colour. */
export function darkText(hex: string): boolean {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.45;
}
