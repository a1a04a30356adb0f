// crowd-semantic-segmentation: every pixel a label or none. Brush, eraser, polygon and fill on a map of labels that
// is as large as the picture; the answer is that map as a PNG with exact colours.
import { settled, type Answer } from "./answering";
import { h } from "./dom";
import { within, type Rect, type Size } from "./geometry";
import { Painting, type Patch } from "./painting";
import { PictureTool } from "./picture";
import type { Point } from "./stage";
import { PICTURE_HELP, type HelpRow } from "./workspace";

type Mode = "brush" | "eraser" | "polygon" | "fill";
const MODES: [Mode, string, string][] = [
  ["brush", "Brush", "b"],
  ["eraser", "Eraser", "e"],
  ["polygon", "Polygon", "p"],
  ["fill", "Fill", "l"],
];
const HELP: HelpRow[] = [
  ["b e p l", "brush, eraser, polygon, fill"],
  ["[ ]", "smaller, larger brush"],
  ["drag", "paint; with the polygon: click corners, a double click closes it"],
  ["Shift + arrows, Enter", "move the cross and paint there (polygon: set a corner)"],
  ["x", "close the polygon"],
  ["w", "show or hide the painting"],
];

interface Given {
  src?: unknown;
  labelMappings?: Record<string, { color?: unknown }>;
}

export class CrowdSemanticSegmentation extends PictureTool {
  private painting = new Painting({ width: 0, height: 0 });
  private readonly paint = h("canvas", { class: "paint" });
  /** Milliseconds that the last PNG took. */
  private cost = 0;
  private mode: Mode = "brush";
  private radius = 12;
  private polygon: Point[] = [];
  private at: Point | null = null;
  private painted: Point | null = null;
  private panned: { x: number; y: number } | null = null;
  private pending: Answer | null = null;
  private modified = false;
  private loaded = false;
  private readonly size = h("output");
  private readonly modeButtons = new Map<Mode, HTMLButtonElement>();
  private png: { version: number; data: string } | null = null;

  protected override async begin(): Promise<void> {
    this.addModes();
    this.stage.image.after(this.paint);
    this.stage.follow = ({ scale, x, y }) =>
      (this.paint.style.transform = `matrix(${scale},0,0,${scale},${x},${y})`);
    this.stage.draw = (context, unit) => this.drawOver(context, unit);
    this.listenPointer();
    const given = this.attribute("initial-value") as Given | null;
    if (given) this.takeColours(given);
    const size = await this.loadPicture();
    this.setUp(size);
    if (given?.src) await this.takePainting(String(given.src));
    this.loaded = true;
    if (this.pending) await this.restoreNow(this.pending);
    this.stage.changed();
    settled(this);
  }

  private addModes(): void {
    for (const [mode, text, key] of MODES) {
      const button = this.button(text, key, () => this.setMode(mode));
      this.modeButtons.set(mode, button);
    }
    this.bar.prepend(
      ...this.modeButtons.values(),
      this.button("Smaller", "[", () => this.setRadius(this.radius / 1.3)),
      this.size,
      this.button("Larger", "]", () => this.setRadius(this.radius * 1.3)),
    );
    this.setMode("brush");
    this.setRadius(this.radius);
  }

  private setUp(size: Size): void {
    this.painting = new Painting(size);
    this.paint.width = size.width;
    this.paint.height = size.height;
  }

  private setMode(mode: Mode): void {
    this.mode = mode;
    this.polygon = [];
    for (const [one, button] of this.modeButtons) button.setAttribute("aria-pressed", String(one === mode));
    this.say(mode);
    this.stage.changed();
  }

  private setRadius(radius: number): void {
    this.radius = Math.min(400, Math.max(1, Math.round(radius)));
    this.size.textContent = `${this.radius * 2} px`;
    this.stage.changed();
  }

  // --- earlier painting -------------------------------------------------------------------------------

  private takeColours(given: Given): void {
    const mappings = Object.entries(given.labelMappings ?? {});
    const more = mappings.map(([label]) => label).filter((label) => !this.labels.includes(label));
    if (more.length) this.setLabels([...this.labels, ...more]);
    for (const [label, { color }] of mappings)
      if (/^#[0-9a-f]{6}$/i.test(String(color))) this.colours.set(label, String(color).toLowerCase());
    this.showLabels();
  }

  private async takePainting(src: string): Promise<void> {
    const image = new Image();
    image.crossOrigin = "anonymous";
    image.src = src;
    try {
      await image.decode();
    } catch {
      throw new Error("the earlier label image could not be loaded");
    }
    const canvas = h("canvas", { width: this.stage.size.width, height: this.stage.size.height });
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.imageSmoothingEnabled = false;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    this.painting.read(context.getImageData(0, 0, canvas.width, canvas.height).data, this.palette());
    this.refresh({ left: 0, top: 0, ...this.stage.size });
  }

  private palette(): string[] {
    return this.labels.map((label) => this.colours.get(label)!);
  }

  // --- painting ---------------------------------------------------------------------------------------

  private get brushValue(): number {
    return this.mode === "eraser" ? 0 : this.labels.indexOf(this.label) + 1;
  }

  private listenPointer(): void {
    const on = this.stage.element;
    on.addEventListener("pointerdown", (event) => this.down(event));
    on.addEventListener("pointermove", (event) => this.moves(event));
    on.addEventListener("pointerup", () => this.up());
    on.addEventListener("pointercancel", () => this.up());
    on.addEventListener("dblclick", () => this.closePolygon());
    on.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  private down(event: PointerEvent): void {
    this.stage.element.focus({ preventScroll: true });
    event.preventDefault();
    this.stage.element.setPointerCapture(event.pointerId);
    if (event.button !== 0) {
      this.panned = { x: event.clientX, y: event.clientY };
      return;
    }
    this.at = this.stage.toImage(event);
    this.act(this.at, true);
  }

  /** What the tool does at a point. */
  private act(point: Point, begins: boolean): void {
    if (!this.loaded) return;
    if (this.mode === "polygon") this.polygon.push(point);
    else if (this.mode === "fill") this.apply(() => this.painting.fill(point, this.brushValue));
    else {
      if (begins) this.painting.begin();
      this.refresh(this.painting.stroke(this.painted ?? point, point, this.radius, this.brushValue));
      this.painted = point;
    }
    this.stage.changed();
  }

  private moves(event: PointerEvent): void {
    if (this.panned) {
      this.stage.pan(event.clientX - this.panned.x, event.clientY - this.panned.y);
      this.panned = { x: event.clientX, y: event.clientY };
      return;
    }
    this.at = this.stage.toImage(event);
    if (this.painted) this.act(this.at, false);
    else this.stage.changed();
  }

  private up(): void {
    this.panned = null;
    if (!this.painted) return;
    this.painted = null;
    this.painting.commit();
    this.edited();
  }

  private closePolygon(): void {
    // A double click has set the last corner twice.
    const corners = this.polygon.filter(
      (point, at, all) => at === 0 || Math.hypot(point.x - all[at - 1]!.x, point.y - all[at - 1]!.y) > 0.5,
    );
    this.polygon = [];
    if (corners.length >= 3) this.apply(() => this.painting.polygon(corners, this.brushValue));
    this.stage.changed();
  }

  private apply(paints: () => Rect | null): void {
    this.painting.begin();
    this.refresh(paints());
    this.painting.commit();
    this.edited();
  }

  private edited(): void {
    this.modified = true;
    this.refreshUndo();
    this.answerChanged();
  }

  /** Shows the painting's pixels inside a rectangle. */
  private refresh(area: Rect | null): void {
    const context = this.paint.getContext("2d");
    if (!context || !area || !this.stage.size.width) return;
    const part = within(area, this.stage.size);
    context.putImageData(
      new ImageData(this.painting.pixels(part, this.palette(), 0), part.width, part.height),
      part.left,
      part.top,
    );
  }

  private drawOver(context: CanvasRenderingContext2D, unit: number): void {
    context.lineWidth = 2 * unit;
    context.strokeStyle = this.mode === "eraser" ? "#000" : (this.colours.get(this.label) ?? "#000");
    if (this.at && (this.mode === "brush" || this.mode === "eraser")) {
      context.beginPath();
      context.arc(this.at.x, this.at.y, this.radius, 0, 2 * Math.PI);
      context.stroke();
    }
    if (this.at) this.drawCross(context, unit);
    if (!this.polygon.length) return;
    context.beginPath();
    for (const point of [...this.polygon, ...(this.at ? [this.at] : [])]) context.lineTo(point.x, point.y);
    context.closePath();
    context.stroke();
  }

  private drawCross(context: CanvasRenderingContext2D, unit: number): void {
    const { x, y } = this.at!;
    context.beginPath();
    context.moveTo(x - 6 * unit, y);
    context.lineTo(x + 6 * unit, y);
    context.moveTo(x, y - 6 * unit);
    context.lineTo(x, y + 6 * unit);
    context.stroke();
  }

  // --- keys -------------------------------------------------------------------------------------------

  protected override key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey) return false;
    const mode = MODES.find(([, , key]) => key === event.key)?.[0];
    if (mode) return (this.setMode(mode), true);
    if (event.key === "[" || event.key === "]")
      return (this.setRadius(this.radius * (event.key === "]" ? 1.3 : 1 / 1.3)), true);
    if (event.key === "Enter") return (this.keyPaint(), true);
    if (event.key === "x") return (this.closePolygon(), true);
    if (event.key === "w") return ((this.paint.hidden = !this.paint.hidden), true);
    if (event.key === "Escape" && this.polygon.length)
      return ((this.polygon = []), this.stage.changed(), true);
    if (event.key === "Backspace" && this.polygon.length)
      return (this.polygon.pop(), this.stage.changed(), true);
    if (event.key.startsWith("Arrow")) return this.arrow(event);
    return this.pictureKey(event);
  }

  private arrow(event: KeyboardEvent): boolean {
    const dx = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    const dy = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
    if (!event.shiftKey) return (this.stage.pan(-dx * 60, -dy * 60), true);
    const seen = this.stage.seen();
    const from = this.at ?? { x: seen.left + seen.width / 2, y: seen.top + seen.height / 2 };
    const step = event.altKey ? 1 : Math.max(1, this.radius);
    this.at = { x: from.x + dx * step, y: from.y + dy * step };
    this.stage.reveal({ left: this.at.x, top: this.at.y, width: 1, height: 1 });
    this.stage.changed();
    return true;
  }

  private keyPaint(): void {
    const seen = this.stage.seen();
    this.at ??= { x: seen.left + seen.width / 2, y: seen.top + seen.height / 2 };
    this.act(this.at, true);
    this.up();
  }

  protected override helpRows(): HelpRow[] {
    return [...HELP, ...PICTURE_HELP];
  }

  override undo(): boolean {
    return this.step(this.painting.undo());
  }
  override redo(): boolean {
    return this.step(this.painting.redo());
  }
  private step(patch: Patch | null): boolean {
    if (!patch) return false;
    this.refresh(patch.area);
    this.edited();
    this.stage.changed();
    return true;
  }
  override get canUndo(): boolean {
    return this.painting.canUndo;
  }
  override get canRedo(): boolean {
    return this.painting.canRedo;
  }

  // --- the answer -------------------------------------------------------------------------------------

  /** A draft holds up the painting for as long as its PNG takes: of a large picture it waits for a longer rest. */
  get draftPause(): number {
    return Math.min(3000, Math.max(500, 20 * this.cost));
  }

  /** The map as a PNG, base64 without the `data:` before it; unpainted pixels are white. */
  private pngData(): string {
    if (this.png?.version === this.painting.version) return this.png.data;
    const began = performance.now();
    const { width, height } = this.stage.size;
    const canvas = h("canvas", { width, height });
    const pixels = this.painting.pixels({ left: 0, top: 0, width, height }, this.palette(), 255);
    canvas.getContext("2d")!.putImageData(new ImageData(pixels, width, height), 0, 0);
    const data = canvas.toDataURL("image/png").replace(/^data:image\/png;base64,/, "");
    this.png = { version: this.painting.version, data };
    this.cost = performance.now() - began;
    return data;
  }

  answerTo(answer: Answer): void {
    if (!this.loaded) {
      if (this.pending?.[this.name]) answer[this.name] = this.pending[this.name];
      return;
    }
    const labelMappings = Object.fromEntries(
      this.labels.map((label) => [label, { color: this.colours.get(label) }]),
    );
    answer[this.name] = {
      ...(this.hasAttribute("initial-value") ? { initialValueModified: this.modified } : {}),
      inputImageProperties: this.imageProperties,
      labelMappings,
      labeledImage: { pngImageData: this.pngData() },
    };
  }

  restore(draft: Answer): void {
    this.pending = draft;
    if (this.loaded) void this.restoreNow(draft).catch((error: unknown) => this.fail(error));
  }

  private async restoreNow(draft: Answer): Promise<void> {
    const part = draft[this.name] as
      { labeledImage?: { pngImageData?: unknown }; labelMappings?: Given["labelMappings"] } | undefined;
    this.pending = null;
    if (typeof part?.labeledImage?.pngImageData !== "string") return;
    if (part.labelMappings) this.takeColours({ labelMappings: part.labelMappings });
    await this.takePainting(`data:image/png;base64,${part.labeledImage.pngImageData}`);
    this.modified = true;
    this.refreshUndo();
  }

  override missing(): string | null {
    if (!this.loaded) return "the picture is not loaded";
    return this.polygon.length ? "the polygon is not closed yet (x or a double click closes it)" : null;
  }

  override showMissing(): void {
    this.stage.element.focus();
  }
}
