/** Draws the pages of a PDF that are wanted, one at a time, nearest first; what is no more wanted is dropped. */
import type { PDFDocumentProxy, PDFPageProxy, RenderTask } from "pdfjs-dist";
import type { Quarter } from "./geometry";

/** No canvas gets more pixels (32 MB): a page zoomed in further is drawn coarser. */
const LARGEST_CANVAS = 8_000_000;
/** After so many pages PDF.js is told to forget fonts and images that it keeps for the whole document. */
const PAGES_TO_CLEAN = 24;

/** While pages pass by none is begun, unless it goes on for longer than one would wait. */
const PASSING_MS = 80;
const LONGEST_WAIT_MS = 240;

export interface Wanted {
  page: number;
  /** In CSS pixels. */
  width: number;
  quarter: Quarter;
  drawn: (canvas: HTMLCanvasElement) => void;
  failed: (error: unknown) => void;
}

export class Pictures {
  /** The page at hand. */
  at = 1;
  private readonly wanted = new Map<number, Wanted>();
  private running: { wanted: Wanted; task: RenderTask | null; isOver: boolean } | null = null;
  private sinceCleaned = 0;
  private movedAt = -Infinity;
  private isDrawing = false;
  private isClosed = false;

  constructor(
    private readonly pdf: PDFDocumentProxy,
    /** Told the shape of each page, width by height, as soon as it is known. */
    private readonly shaped: (page: number, ratio: number) => void,
  ) {}

  want(wanted: Wanted): void {
    this.drop(wanted.page);
    this.wanted.set(wanted.page, wanted);
    void this.draw();
  }

  drop(page: number): void {
    this.wanted.delete(page);
    if (this.running?.wanted.page === page) this.stop();
  }

  /** Somebody scrolls. */
  passing(): void {
    this.movedAt = performance.now();
  }

  close(): void {
    this.isClosed = true;
    this.wanted.clear();
    this.stop();
  }

  private stop(): void {
    if (!this.running) return;
    this.running.isOver = true;
    this.running.task?.cancel();
  }

  private async draw(): Promise<void> {
    if (this.isDrawing) return;
    this.isDrawing = true;
    await this.rest();
    for (let next = this.nearest(); next && !this.isClosed; next = this.nearest()) {
      this.wanted.delete(next.page);
      this.running = { wanted: next, task: null, isOver: false };
      await this.drawOne(this.running);
      this.running = null;
      if (this.wanted.size) await this.rest();
    }
    this.isDrawing = false;
    await this.clean();
  }

  private async rest(): Promise<void> {
    const began = performance.now();
    for (
      let now = began;
      now - this.movedAt < PASSING_MS && now - began < LONGEST_WAIT_MS;
      now = performance.now()
    )
      await new Promise((done) => setTimeout(done, 20));
  }

  private nearest(): Wanted | undefined {
    const far = (one: Wanted) => Math.abs(one.page - this.at);
    return [...this.wanted.values()].sort((a, b) => far(a) - far(b))[0];
  }

  private async drawOne(run: NonNullable<typeof this.running>): Promise<void> {
    const { page: number, width, quarter, drawn, failed } = run.wanted;
    const canvas = document.createElement("canvas");
    let page: PDFPageProxy | null = null;
    let isTaken = false;
    try {
      page = await this.pdf.getPage(number);
      const plain = page.getViewport({ scale: 1 });
      this.shaped(number, plain.width / plain.height);
      if (run.isOver) return;
      const rotation = (page.rotate + quarter * 90) % 360;
      const across = page.getViewport({ scale: 1, rotation }).width;
      const dense = (width * window.devicePixelRatio) / across;
      const most = Math.sqrt(LARGEST_CANVAS / (plain.width * plain.height));
      const viewport = page.getViewport({ scale: Math.min(dense, most), rotation });
      canvas.width = Math.max(1, Math.floor(viewport.width));
      canvas.height = Math.max(1, Math.floor(viewport.height));
      run.task = page.render({ canvas, viewport });
      await run.task.promise;
      if (run.isOver) return;
      isTaken = true;
      drawn(canvas);
    } catch (error) {
      const isCancelled = error instanceof Error && error.name === "RenderingCancelledException";
      if (!isCancelled && !run.isOver && !this.isClosed) failed(error);
    } finally {
      this.sinceCleaned += 1;
      page?.cleanup();
      if (!isTaken) freed(canvas);
    }
  }

  private async clean(): Promise<void> {
    if (this.isClosed || this.sinceCleaned < PAGES_TO_CLEAN) return;
    this.sinceCleaned = 0;
    // Refused while a page is being drawn, which is as well: the next pause comes.
    await this.pdf.cleanup().catch(() => undefined);
  }
}

/** Gives a canvas's pixels back at once; the garbage collector would wait. */
export function freed(canvas: HTMLCanvasElement): void {
  canvas.width = 0;
  canvas.height = 0;
  canvas.remove();
}
