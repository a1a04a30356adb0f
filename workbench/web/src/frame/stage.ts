// A picture that can be zoomed and moved, and a canvas above it that tools draw on. The picture is an image of
// the page that CSS transforms, so that moving it costs no script; the canvas is drawn at most once a frame.
import { h } from "./dom";
import type { Rect, Size } from "./geometry";

export interface Point {
  x: number;
  y: number;
}

export interface View {
  scale: number;
  x: number;
  y: number;
}

const ZOOM_STEP = 1.25;
const MOST = 20;

export class Stage {
  readonly image = h("img", { alt: "", draggable: "false", decoding: "async" });
  readonly canvas = h("canvas", { class: "over", "aria-hidden": "true" });
  readonly loading = h("div", { class: "loading", role: "status" }, "Loading the picture …");
  readonly element = h(
    "div",
    { class: "stage", tabindex: "0", role: "application" },
    this.image,
    this.canvas,
    this.loading,
  );
  /** Draws in pixels of the image; `unit` is the size there of one pixel of the screen. */
  draw: (context: CanvasRenderingContext2D, unit: number) => void = () => undefined;
  /** Called when the view changed; for layers of the tool that follow the picture. */
  follow: (view: View) => void = () => undefined;
  view: View = { scale: 1, x: 0, y: 0 };
  size: Size = { width: 0, height: 0 };
  private waiting = 0;
  private fitted = true;

  constructor(label: string) {
    this.element.setAttribute("aria-label", label);
    this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => (this.fitted ? this.fit() : this.changed())).observe(this.element);
  }

  /** Loads the picture; resolves with its size in pixels. */
  async load(src: string): Promise<Size> {
    this.loading.hidden = false;
    this.loading.textContent = "Loading the picture …";
    this.image.src = src;
    try {
      await this.loaded();
    } catch {
      this.loading.className = "loading fault";
      this.loading.textContent =
        "The picture could not be loaded. Reload the page; if it stays so, skip the task and say why.";
      throw new Error("the picture could not be loaded");
    }
    this.size = { width: this.image.naturalWidth, height: this.image.naturalHeight };
    this.loading.hidden = true;
    this.fit();
    return this.size;
  }

  private loaded(): Promise<void> {
    if (this.image.complete && this.image.naturalWidth > 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.image.addEventListener("load", () => resolve(), { once: true });
      this.image.addEventListener("error", () => reject(new Error("error")), { once: true });
    });
  }

  fit(): void {
    const { width, height } = this.element.getBoundingClientRect();
    if (!this.size.width || !width || !height) return;
    const scale = Math.min(width / this.size.width, height / this.size.height) * 0.98;
    this.view = {
      scale,
      x: (width - this.size.width * scale) / 2,
      y: (height - this.size.height * scale) / 2,
    };
    this.fitted = true;
    this.changed();
  }

  fitWidth(): void {
    const { width } = this.element.getBoundingClientRect();
    if (!this.size.width || !width) return;
    this.view = { scale: (width / this.size.width) * 0.98, x: width * 0.01, y: 0 };
    this.fitted = false;
    this.changed();
  }

  zoom(factor: number, at?: Point): void {
    const bounds = this.element.getBoundingClientRect();
    const x = at ? at.x - bounds.left : bounds.width / 2;
    const y = at ? at.y - bounds.top : bounds.height / 2;
    const scale = Math.min(MOST, Math.max(0.02, this.view.scale * factor));
    const ratio = scale / this.view.scale;
    this.view = { scale, x: x - (x - this.view.x) * ratio, y: y - (y - this.view.y) * ratio };
    this.fitted = false;
    this.changed();
  }

  zoomIn = (): void => this.zoom(ZOOM_STEP);
  zoomOut = (): void => this.zoom(1 / ZOOM_STEP);

  pan(dx: number, dy: number): void {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.fitted = false;
    this.changed();
  }

  /** Moves the picture so far that the rectangle is seen. */
  reveal(box: Rect): void {
    const { width, height } = this.element.getBoundingClientRect();
    const x = box.left * this.view.scale + this.view.x;
    const y = box.top * this.view.scale + this.view.y;
    const margin = 30;
    const dx = shift(x, box.width * this.view.scale, width, margin);
    const dy = shift(y, box.height * this.view.scale, height, margin);
    if (dx || dy) this.pan(dx, dy);
  }

  toImage(event: { clientX: number; clientY: number }): Point {
    const bounds = this.element.getBoundingClientRect();
    return {
      x: (event.clientX - bounds.left - this.view.x) / this.view.scale,
      y: (event.clientY - bounds.top - this.view.y) / this.view.scale,
    };
  }

  /** The part of the image that is seen. */
  seen(): Rect {
    const { width, height } = this.element.getBoundingClientRect();
    const { scale, x, y } = this.view;
    return { left: -x / scale, top: -y / scale, width: width / scale, height: height / scale };
  }

  changed(): void {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  private paint(): void {
    const { scale, x, y } = this.view;
    this.image.style.transform = `matrix(${scale},0,0,${scale},${x},${y})`;
    this.follow(this.view);
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(this.element.clientWidth * ratio);
    const height = Math.round(this.element.clientHeight * ratio);
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!this.size.width) return;
    context.setTransform(scale * ratio, 0, 0, scale * ratio, x * ratio, y * ratio);
    this.draw(context, 1 / scale);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.ctrlKey || event.metaKey) {
      this.zoom(Math.exp((-event.deltaY * lines) / 300), { x: event.clientX, y: event.clientY });
    } else if (event.shiftKey) this.pan(-(event.deltaX || event.deltaY) * lines, 0);
    else this.pan(-event.deltaX * lines, -event.deltaY * lines);
  }
}

function shift(start: number, length: number, room: number, margin: number): number {
  if (length > room - 2 * margin)
    return start > margin || start + length < room - margin ? margin - start : 0;
  if (start < margin) return margin - start;
  if (start + length > room - margin) return room - margin - (start + length);
  return 0;
}
