// crowd-polygon, crowd-polyline and crowd-keypoint: shapes of points with labels, on a picture.
import type { Answer } from "./answering";
import { h } from "./dom";
import { History } from "./history";
import { PictureTool } from "./picture";
import type { Point } from "./stage";
import { MARK_LABELS, PICTURE_HELP, type HelpRow } from "./workspace";

interface Shape {
  label: string;
  vertices: Point[];
}

const REACH = 8;
const HELP: HelpRow[] = [
  ["click", "set a point; drag one to move it"],
  ["x, double click", "end the shape"],
  ["Shift + arrows, Enter", "move the cross and set a point there"],
  ["n p", "next, previous shape"],
  ["Alt + arrows", "move the selected shape"],
  ["Delete", "delete the selected shape, or the last point of an open one"],
  ["Escape", "give up the open shape, select nothing"],
];

abstract class PointTool extends PictureTool {
  /** Points that a shape needs; one: each click is a whole shape. */
  protected abstract readonly least: number;
  protected abstract readonly closed: boolean;
  private readonly shapes = new History<readonly Shape[]>([]);
  private readonly list = h("ul", { class: "plain" });
  private readonly count = h("h2");
  private open: Point[] = [];
  private selected = -1;
  /** Whether a person selected it, so that a label is for it; a shape just made only has the keys. */
  private chosen = false;
  private at: Point | null = null;
  private dragged: { shape: number; vertex: number; first: boolean } | null = null;
  private panned: Point | null = null;

  protected abstract toAnswer(shapes: readonly Shape[]): Answer;
  protected abstract fromAnswer(part: Answer): unknown;
  protected abstract readShape(one: Record<string, unknown>): Shape;

  protected override begin(): Promise<unknown> {
    this.right.append(this.count, this.list);
    this.stage.draw = (context, unit) => this.drawAll(context, unit);
    const on = this.stage.element;
    on.addEventListener("pointerdown", (event) => this.down(event));
    on.addEventListener("pointermove", (event) => this.moves(event));
    on.addEventListener("pointerup", () => this.up());
    on.addEventListener("dblclick", () => this.finish());
    on.addEventListener("contextmenu", (event) => event.preventDefault());
    const given = this.attribute("initial-value");
    if (Array.isArray(given)) this.shapes.reset(this.read(given));
    this.show();
    return this.loadPicture();
  }

  private read(list: unknown): Shape[] {
    if (!Array.isArray(list)) return [];
    return list.map((one) => this.readShape(one as Record<string, unknown>));
  }

  // --- changing ---------------------------------------------------------------------------------------

  private commit(shapes: readonly Shape[], joined = false): void {
    if (joined) this.shapes.replace(shapes);
    else this.shapes.push(shapes);
    this.show();
    this.answerChanged();
  }

  private set(point: Point): void {
    const { width, height } = this.stage.size;
    const inside = {
      x: Math.round(Math.min(width, Math.max(0, point.x))),
      y: Math.round(Math.min(height, Math.max(0, point.y))),
    };
    this.open.push(inside);
    if (this.least === 1) this.finish();
    this.stage.changed();
  }

  private finish(): void {
    // A double click has set the last point twice.
    const vertices = this.open.filter(
      (point, at, all) => at === 0 || point.x !== all[at - 1]!.x || point.y !== all[at - 1]!.y,
    );
    this.open = [];
    if (vertices.length >= this.least) {
      this.selected = this.shapes.now.length;
      this.chosen = false;
      this.commit([...this.shapes.now, { label: this.label, vertices }]);
      this.say(`${this.label}: ${vertices.length} points`);
    }
    this.stage.changed();
  }

  private removeShape(at: number): void {
    this.selected = -1;
    this.commit(this.shapes.now.filter((_, other) => other !== at));
    this.say("Deleted");
  }

  private moveVertex(to: Point): void {
    const { shape, vertex, first } = this.dragged!;
    const rounded = { x: Math.round(to.x), y: Math.round(to.y) };
    const next = this.shapes.now.map((one, at) =>
      at === shape
        ? { ...one, vertices: one.vertices.map((point, index) => (index === vertex ? rounded : point)) }
        : one,
    );
    this.dragged!.first = false;
    this.commit(next, !first);
  }

  private select(at: number): void {
    this.selected = at;
    this.chosen = at >= 0;
    const shape = this.shapes.now[at];
    if (shape) {
      this.markLabel(shape.label);
      this.say(`${shape.label}, ${at + 1} of ${this.shapes.now.length}`);
    }
    this.show();
  }

  protected override readonly labelHelp = MARK_LABELS;

  protected override labelChosen(label: string): void {
    const chosen = this.shapes.now[this.selected];
    if (chosen && this.chosen && !this.open.length && chosen.label !== label) {
      this.commit(this.shapes.now.map((one, at) => (at === this.selected ? { ...one, label } : one)));
    }
  }

  // --- pointer ----------------------------------------------------------------------------------------

  private down(event: PointerEvent): void {
    this.stage.element.focus({ preventScroll: true });
    event.preventDefault();
    this.stage.element.setPointerCapture(event.pointerId);
    if (event.button !== 0) return void (this.panned = { x: event.clientX, y: event.clientY });
    const point = this.stage.toImage(event);
    const hit = this.open.length ? null : this.vertexAt(point);
    if (!hit) {
      this.selected = -1;
      return this.set(point);
    }
    this.dragged = { ...hit, first: true };
    this.select(hit.shape);
  }

  private moves(event: PointerEvent): void {
    if (this.panned) {
      this.stage.pan(event.clientX - this.panned.x, event.clientY - this.panned.y);
      this.panned = { x: event.clientX, y: event.clientY };
      return;
    }
    this.at = this.stage.toImage(event);
    if (this.dragged) this.moveVertex(this.at);
    this.stage.changed();
  }

  private up(): void {
    this.dragged = null;
    this.panned = null;
  }

  private vertexAt(point: Point): { shape: number; vertex: number } | null {
    const reach = REACH / this.stage.view.scale;
    for (let shape = this.shapes.now.length - 1; shape >= 0; shape -= 1) {
      const near = (one: Point): boolean => Math.hypot(one.x - point.x, one.y - point.y) <= reach;
      const vertex = this.shapes.now[shape]!.vertices.findIndex(near);
      if (vertex >= 0) return { shape, vertex };
    }
    return null;
  }

  // --- keys -------------------------------------------------------------------------------------------

  protected override key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey) return false;
    const { key } = event;
    if (key.startsWith("Arrow")) return this.arrow(event);
    if (key === "Enter") return (this.set(this.cross()), true);
    if (key === "x") return (this.finish(), true);
    if (key === "n" || key === "p") return this.stepShape(key === "n" ? 1 : -1);
    if (key === "Delete" || key === "Backspace") return this.deleteKey();
    if (key === "Escape" && (this.open.length || this.selected >= 0))
      return ((this.open = []), this.select(-1), true);
    return this.pictureKey(event);
  }

  private deleteKey(): boolean {
    if (this.open.length) return (this.open.pop(), this.stage.changed(), true);
    if (this.selected >= 0) return (this.removeShape(this.selected), true);
    return false;
  }

  private stepShape(by: number): boolean {
    const { length } = this.shapes.now;
    if (length)
      this.select(this.selected < 0 ? (by > 0 ? 0 : length - 1) : (this.selected + by + length) % length);
    return true;
  }

  private cross(): Point {
    const seen = this.stage.seen();
    return (this.at ??= { x: seen.left + seen.width / 2, y: seen.top + seen.height / 2 });
  }

  private arrow(event: KeyboardEvent): boolean {
    const dx = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    const dy = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
    if (event.altKey) return this.moveShape(dx, dy);
    if (!event.shiftKey) return (this.stage.pan(-dx * 60, -dy * 60), true);
    const from = this.cross();
    const step = 10 / this.stage.view.scale;
    this.at = { x: from.x + dx * step, y: from.y + dy * step };
    this.stage.reveal({ left: this.at.x, top: this.at.y, width: 1, height: 1 });
    this.stage.changed();
    return true;
  }

  private moveShape(dx: number, dy: number): boolean {
    if (this.selected < 0) return false;
    const moved = (point: Point): Point => ({ x: point.x + dx, y: point.y + dy });
    this.commit(
      this.shapes.now.map((one, at) =>
        at === this.selected ? { ...one, vertices: one.vertices.map(moved) } : one,
      ),
    );
    return true;
  }

  protected override helpRows(): HelpRow[] {
    return [...HELP, ...PICTURE_HELP];
  }

  // --- showing ----------------------------------------------------------------------------------------

  private show(): void {
    this.count.textContent = `Shapes: ${this.shapes.now.length}`;
    this.list.replaceChildren(...this.shapes.now.map((shape, at) => this.row(shape, at)));
    this.refreshUndo();
    this.stage.changed();
  }

  private row(shape: Shape, at: number): HTMLLIElement {
    const told = `${at + 1}. ${shape.label}`;
    const swatch = h("span", { class: "swatch" });
    swatch.style.background = this.colours.get(shape.label) ?? "#000";
    const pressed = String(at === this.selected && this.chosen);
    const current = String(at === this.selected);
    const name = h("span", { class: "name" }, told);
    const choose = h(
      "button",
      {
        type: "button",
        class: "label",
        "aria-pressed": pressed,
        "aria-current": current,
        onclick: () => this.select(at),
      },
      swatch,
      name,
    );
    const remove = h(
      "button",
      { type: "button", "aria-label": `Delete ${told}`, onclick: () => this.removeShape(at) },
      "×",
    );
    return h("li", { class: "box" }, choose, remove);
  }

  private drawAll(context: CanvasRenderingContext2D, unit: number): void {
    this.shapes.now.forEach((shape, at) =>
      this.drawShape(context, shape, at === this.selected, this.closed, unit),
    );
    const ahead = this.at && this.least > 1 ? [this.at] : [];
    if (this.open.length)
      this.drawShape(context, { label: this.label, vertices: [...this.open, ...ahead] }, true, false, unit);
    if (this.at) context.strokeRect(this.at.x - 4 * unit, this.at.y - 4 * unit, 8 * unit, 8 * unit);
  }

  private drawShape(
    context: CanvasRenderingContext2D,
    shape: Shape,
    chosen: boolean,
    closes: boolean,
    unit: number,
  ): void {
    const colour = this.colours.get(shape.label) ?? "#000";
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = (chosen ? 3 : 2) * unit;
    context.beginPath();
    for (const { x, y } of shape.vertices) context.lineTo(x, y);
    if (closes) context.closePath();
    context.stroke();
    for (const { x, y } of shape.vertices) {
      context.beginPath();
      context.arc(x, y, (chosen ? 5 : 4) * unit, 0, 2 * Math.PI);
      context.fill();
    }
  }

  // --- undo and answer --------------------------------------------------------------------------------

  override undo(): boolean {
    if (this.open.length) return (this.open.pop(), this.stage.changed(), true);
    return this.stepped(this.shapes.undo());
  }
  override redo(): boolean {
    return this.stepped(this.shapes.redo());
  }
  private stepped(done: boolean): boolean {
    if (!done) return false;
    this.selected = -1;
    this.show();
    this.answerChanged();
    return true;
  }
  override get canUndo(): boolean {
    return this.open.length > 0 || this.shapes.canUndo;
  }
  override get canRedo(): boolean {
    return this.shapes.canRedo;
  }

  get value(): Answer {
    return { inputImageProperties: this.imageProperties, ...this.toAnswer(this.shapes.now) };
  }

  answerTo(answer: Answer): void {
    answer[this.name] = this.value;
  }

  restore(draft: Answer): void {
    const part = draft[this.name];
    if (typeof part !== "object" || part === null) return;
    this.shapes.reset(this.read(this.fromAnswer(part as Answer)));
    this.show();
  }

  override missing(): string | null {
    if (!this.stage.size.width) return "the picture is not loaded";
    return this.open.length ? "a shape is not ended yet (x or a double click ends it)" : null;
  }

  override showMissing(): void {
    this.stage.element.focus();
  }
}

abstract class VertexTool extends PointTool {
  protected readShape(one: Record<string, unknown>): Shape {
    const vertices = Array.isArray(one.vertices) ? (one.vertices as Record<string, unknown>[]) : [];
    return {
      label: String(one.label ?? ""),
      vertices: vertices.map(({ x, y }) => ({ x: Number(x), y: Number(y) })),
    };
  }
}

export class CrowdPolygon extends VertexTool {
  protected readonly least = 3;
  protected readonly closed = true;
  protected toAnswer(shapes: readonly Shape[]): Answer {
    return { polygons: shapes };
  }
  protected fromAnswer(part: Answer): unknown {
    return part.polygons;
  }
}

export class CrowdPolyline extends VertexTool {
  protected readonly least = 2;
  protected readonly closed = false;
  protected toAnswer(shapes: readonly Shape[]): Answer {
    return { polylines: shapes };
  }
  protected fromAnswer(part: Answer): unknown {
    return part.polylines;
  }
}

export class CrowdKeypoint extends PointTool {
  protected readonly least = 1;
  protected readonly closed = false;
  protected toAnswer(shapes: readonly Shape[]): Answer {
    return {
      keypoints: shapes.map(({ label, vertices }) => ({ label, x: vertices[0]!.x, y: vertices[0]!.y })),
    };
  }
  protected fromAnswer(part: Answer): unknown {
    return part.keypoints;
  }
  protected readShape(one: Record<string, unknown>): Shape {
    return { label: String(one.label ?? ""), vertices: [{ x: Number(one.x), y: Number(one.y) }] };
  }
}
