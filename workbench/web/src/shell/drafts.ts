/**
 * Keeps a task's unfinished answer: soon on the server, at once in this tab.
 *
 * A draft that the server does not have yet lies in the tab's session storage, so that neither a reload
 * nor a lost network takes it; once saved it is taken out again, and the tab's end takes the rest.
 */
import { isTemporary } from "./api";
import type { Answer } from "./types";

export type DraftState =
  | { kind: "none" }
  | { kind: "waiting" }
  | { kind: "saving" }
  | { kind: "saved"; at: string }
  | { kind: "retrying"; error: unknown }
  | { kind: "refused"; error: unknown };

export interface DraftPorts {
  save(assignment: string, answer: Answer): Promise<{ saved: string }>;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  onState(state: DraftState): void;
}

/** Pauses before the next try, in milliseconds; the last one repeats. */
export const RETRY_AFTER = [2000, 5000, 10000, 20000];
const SAVE_AFTER = 1000;

export class DraftSaver {
  private pending: Answer | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | null = null;
  private failures = 0;
  private isClosed = false;
  private isHeld = false;

  constructor(
    readonly assignment: string,
    private readonly ports: DraftPorts,
  ) {}

  /** What this tab has and the server has not: from before a reload. */
  restore(): Answer | null {
    const text = read(this.ports.storage, this.key);
    if (text === null) return null;
    try {
      return JSON.parse(text) as Answer;
    } catch {
      this.forget();
      return null;
    }
  }

  /** Whether something would be lost if the tab ended now. */
  get isUnsaved(): boolean {
    return this.pending !== null || this.running !== null;
  }

  /** The newest answer that is not on the server. */
  get unsaved(): Answer | null {
    return this.pending;
  }

  change(answer: Answer): void {
    if (this.isClosed) return;
    this.pending = answer;
    write(this.ports.storage, this.key, JSON.stringify(answer));
    if (this.failures === 0) {
      this.ports.onState({ kind: "waiting" });
      this.schedule(SAVE_AFTER);
    }
  }

  /** Save now what is not saved, whatever the pause; for a network that came back, or before leaving. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.running) await this.running;
    if (this.pending && !this.isClosed && !this.isHeld) await this.save();
  }

  /** Save nothing while the answer itself is on its way; a draft behind it would be refused. */
  async hold(): Promise<void> {
    this.isHeld = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Go on after an answer that was not taken. */
  resume(): void {
    this.isHeld = false;
    if (this.pending) this.schedule(SAVE_AFTER);
  }

  /** No more saving. What was sent as an answer needs no draft; what was not stays in the tab. */
  close(isAnswered: boolean): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    if (isAnswered) {
      this.pending = null;
      this.forget();
    }
  }

  private get key(): string {
    return `recto-draft:${this.assignment}`;
  }

  private forget(): void {
    try {
      this.ports.storage.removeItem(this.key);
    } catch {
      // Storage may be forbidden; then nothing was kept there either.
    }
  }

  private schedule(pause: number): void {
    clearTimeout(this.timer);
    if (this.isHeld || this.isClosed) return;
    this.timer = setTimeout(() => void this.flush(), pause);
  }

  private save(): Promise<void> {
    this.running = this.saveOnce().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async saveOnce(): Promise<void> {
    const answer = this.pending;
    if (!answer) return;
    this.ports.onState({ kind: "saving" });
    try {
      const { saved } = await this.ports.save(this.assignment, answer);
      this.failures = 0;
      if (this.pending !== answer) {
        this.schedule(SAVE_AFTER); // changed while it was on its way
        return;
      }
      this.pending = null;
      this.forget();
      if (!this.isClosed) this.ports.onState({ kind: "saved", at: saved });
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.isClosed) return;
    if (!isTemporary(error)) {
      this.ports.onState({ kind: "refused", error });
      return;
    }
    const pause = RETRY_AFTER[Math.min(this.failures, RETRY_AFTER.length - 1)];
    this.failures += 1;
    this.ports.onState({ kind: "retrying", error });
    this.schedule(pause ?? SAVE_AFTER);
  }
}

function read(storage: DraftPorts["storage"], key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function write(storage: DraftPorts["storage"], key: string, text: string): void {
  try {
    storage.setItem(key, text);
  } catch {
    // Full or forbidden: the draft is in memory still, and the page warns before it is closed.
  }
}
