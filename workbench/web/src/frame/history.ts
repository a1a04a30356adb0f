// Undo and redo over states that are never changed in place.

export class History<State> {
  private past: State[] = [];
  private future: State[] = [];

  constructor(
    private present: State,
    private readonly limit = 500,
  ) {}

  get now(): State {
    return this.present;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** A change that can be undone. */
  push(next: State): void {
    this.past.push(this.present);
    if (this.past.length > this.limit) this.past.shift();
    this.present = next;
    this.future = [];
  }

  /** A step of a change that is still going on (dragging, typing): undone together with its beginning. */
  replace(next: State): void {
    this.present = next;
  }

  /** Another beginning: nothing before it can be undone. */
  reset(next: State): void {
    this.present = next;
    this.past = [];
    this.future = [];
  }

  undo(): boolean {
    const earlier = this.past.pop();
    if (earlier === undefined) return false;
    this.future.push(this.present);
    this.present = earlier;
    return true;
  }

  redo(): boolean {
    const later = this.future.pop();
    if (later === undefined) return false;
    this.past.push(this.present);
    this.present = later;
    return true;
  }
}
