/** One person's work at a review: its state with undo, checks while typing, drafts, and the answer. */
import { computed, ref, shallowRef } from "vue";
import { ApiError, isTemporary } from "../shell/api";
import { DraftSaver, type DraftState } from "../shell/drafts";
import type { Answer as Draft } from "../shell/types";
import {
  answerOf,
  changed,
  editOf,
  fieldNamed,
  opened,
  told,
  unlooked,
  withAnswer,
  type Change,
  type Opinion,
  type ReviewState,
} from "./model";
import type { Answer, Check, Edit, ReviewSource, ReviewTask } from "./types";

export interface Problem {
  field: string | null;
  message: string;
}

export type Phase = "working" | "submitting" | "done";

export interface ReviewOptions {
  task: ReviewTask;
  source: ReviewSource;
  /** Names the draft in this tab's storage. */
  id: string;
  draft: Answer | null;
  opinions: Opinion[];
  /** Whether it is this person's to change. */
  isMine: boolean;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  now(): Date;
  /** An error after which nothing more can be sent: closed, claimed by somebody else, signed out. */
  onGone(error: unknown): void;
  onClaimedUntil(time: string | null): void;
}

const CHECK_AFTER = 250;
const CHECK_AGAIN_AFTER = 10_000;
const ONE_EDIT_WITHIN = 1500;
const MOST_UNDONE = 500;

/** Answers after which a review is not this person's any more. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && [401, 403, 404, 409].includes(error.status);
}

export function useReview(options: ReviewOptions) {
  const state = shallowRef<ReviewState>(opened(options.task, options.opinions));
  const check = shallowRef<Check | null>(null);
  const problems = shallowRef<Problem[]>([]);
  const failure = ref("");
  const phase = ref<Phase>("working");
  const draft = ref<DraftState>({ kind: "none" });
  const edits = shallowRef<Edit[]>([]);
  const past = shallowRef<ReviewState[]>([]);
  const future = shallowRef<ReviewState[]>([]);
  const isChecking = ref(false);
  const cannotCheck = ref(false);
  /** Edits that the server has, and those that have left for it: these change no more. */
  let sent = 0;
  let leaving = 0;
  let typing: { field: string; at: number; until: number } | null = null;
  let checkTimer: ReturnType<typeof setTimeout> | undefined;
  let checks = 0;
  let isClosed = false;
  let seconds = 0;
  let since = performance.now();

  const saver = new DraftSaver(options.id, {
    storage: options.storage,
    onState: (next) => (draft.value = next),
    save: async (_, kept) => {
      const { answer } = kept as unknown as { answer: Answer };
      leaving = edits.value.length;
      try {
        const unsent = edits.value.slice(sent, leaving);
        const { saved, claimed_until } = await options.source.saveDraft(answer, unsent);
        sent = leaving;
        options.onClaimedUntil(claimed_until);
        return { saved };
      } catch (error) {
        leaving = sent;
        if (isGone(error)) options.onGone(error);
        throw error;
      }
    },
  });

  restore();
  if (options.isMine) scheduleCheck(0);

  function restore(): void {
    const kept = options.isMine ? (saver.restore() as { answer?: Answer; edits?: Edit[] } | null) : null;
    const answer = kept?.answer ?? options.draft;
    if (answer) state.value = withAnswer(state.value, answer);
    if (kept?.answer) {
      edits.value = kept.edits ?? [];
      keep();
    }
  }

  // ---- changing -----------------------------------------------------------------------------------

  function change(wanted: Change): boolean {
    if (!options.isMine || phase.value !== "working") return false;
    const before = state.value;
    const after = changed(before, wanted);
    if (after === before) return false;
    const isSameTyping = goesOn(wanted);
    if (!isSameTyping) past.value = [...past.value, before].slice(-MOST_UNDONE);
    future.value = [];
    note(isSameTyping, editOf(before, after, wanted, options.now().toISOString()));
    settle(after);
    return true;
  }

  /** Whether letters follow each other in one value: one step back, one line of history. */
  function goesOn(wanted: Change): boolean {
    const now = performance.now();
    const before = typing;
    typing =
      wanted.kind === "type" ? { field: wanted.field, at: wanted.at, until: now + ONE_EDIT_WITHIN } : null;
    return (
      typing !== null &&
      before !== null &&
      before.field === typing.field &&
      before.at === typing.at &&
      now < before.until
    );
  }

  function note(isSameTyping: boolean, edit: Edit | null): void {
    if (!edit) return;
    const last = edits.value.at(-1);
    if (
      isSameTyping &&
      last &&
      edits.value.length > leaving &&
      last.field === edit.field &&
      last.how === "typed"
    ) {
      edits.value = [...edits.value.slice(0, -1), { ...edit, from: last.from }];
    } else edits.value = [...edits.value, edit];
  }

  function settle(next: ReviewState): void {
    state.value = next;
    problems.value = [];
    failure.value = "";
    keep();
    scheduleCheck(CHECK_AFTER);
  }

  function keep(): void {
    saver.change({ answer: answerOf(state.value), edits: edits.value.slice(sent) } as unknown as Draft);
  }

  function undo(): string | null {
    return step(past, future);
  }

  function redo(): string | null {
    return step(future, past);
  }

  /** The field that changed, for the focus to go to. */
  function step(from: typeof past, to: typeof past): string | null {
    const next = from.value.at(-1);
    if (!next || !options.isMine || phase.value !== "working") return null;
    const before = state.value;
    from.value = from.value.slice(0, -1);
    to.value = [...to.value, before];
    typing = null;
    const at = options.now().toISOString();
    let touched: string | null = null;
    for (const field of next.fields) {
      const was = fieldNamed(before, field.name);
      if (was === field) continue;
      touched = field.name;
      if (told(was) !== told(field))
        edits.value = [
          ...edits.value,
          { at, field: field.name, from: told(was), to: told(field), how: "restored" },
        ];
    }
    settle({ ...next, nextId: Math.max(next.nextId, before.nextId) });
    return touched;
  }

  // ---- checking -----------------------------------------------------------------------------------

  function scheduleCheck(pause: number): void {
    clearTimeout(checkTimer);
    isChecking.value = true;
    checkTimer = setTimeout(() => {
      // What failed is told by `cannotCheck`, and asked again after a while.
      runCheck().catch((error: unknown) => {
        if (isTemporary(error) && !isClosed) scheduleCheck(CHECK_AGAIN_AFTER);
      });
    }, pause);
  }

  async function runCheck(): Promise<Check | null> {
    clearTimeout(checkTimer);
    checks += 1;
    const mine = checks;
    try {
      const told = await options.source.check(answerOf(state.value));
      if (mine === checks) {
        check.value = told;
        cannotCheck.value = false;
        isChecking.value = false;
      }
      return told;
    } catch (error) {
      if (isClosed) throw error;
      if (mine === checks) isChecking.value = false;
      if (isGone(error)) options.onGone(error);
      else cannotCheck.value = true;
      throw error;
    }
  }

  // ---- sending ------------------------------------------------------------------------------------

  /** True once the answer is taken; else `problems` or `failure` says why not. */
  async function submit(): Promise<boolean> {
    if (!options.isMine || phase.value !== "working") return false;
    const open = unlooked(state.value);
    if (open.length) {
      problems.value = open.map((field) => ({ field: field.name, message: "Not looked at yet." }));
      return false;
    }
    return send(async () => {
      const told = await runCheck();
      if (told && !told.complete) {
        problems.value = told.problems;
        return false;
      }
      await options.source.submit(answerOf(state.value), edits.value.slice(sent), spent());
      return true;
    });
  }

  function reject(reason: string): Promise<boolean> {
    return send(async () => {
      await options.source.reject(reason, spent());
      return true;
    });
  }

  async function send(act: () => Promise<boolean>): Promise<boolean> {
    phase.value = "submitting";
    failure.value = "";
    await saver.hold();
    try {
      if (await act()) {
        phase.value = "done";
        saver.close(true);
        return true;
      }
    } catch (error) {
      if (isGone(error)) options.onGone(error);
      else failure.value = isTemporary(error) ? `Not sent: ${textOf(error)} Try again.` : textOf(error);
      if (error instanceof ApiError && error.code === "AnswerIncompleteError") void askWhy();
    }
    phase.value = "working";
    saver.resume();
    return false;
  }

  /** The server refused what the check before had let through: a configuration that changed in between. */
  async function askWhy(): Promise<void> {
    try {
      problems.value = (await runCheck())?.problems ?? [];
    } catch {
      // The refusal itself is shown.
    }
  }

  // ---- time ---------------------------------------------------------------------------------------

  /** Seconds that the page was looked at. */
  function spent(): number {
    if (document.visibilityState === "visible") seconds += (performance.now() - since) / 1000;
    since = performance.now();
    return Math.round(seconds);
  }

  function onVisibility(): void {
    if (document.visibilityState === "visible") since = performance.now();
    else seconds += (performance.now() - since) / 1000;
  }

  function close(): void {
    isClosed = true;
    clearTimeout(checkTimer);
    document.removeEventListener("visibilitychange", onVisibility);
    if (phase.value !== "done") {
      void saver.flush();
      saver.close(false);
    }
  }

  document.addEventListener("visibilitychange", onVisibility);

  return {
    state,
    check,
    problems,
    failure,
    phase,
    draft,
    edits,
    isChecking,
    cannotCheck,
    canUndo: computed(() => past.value.length > 0),
    canRedo: computed(() => future.value.length > 0),
    isMine: options.isMine,
    change,
    undo,
    redo,
    submit,
    reject,
    runCheck,
    /** Tell the server that somebody is at work, though nothing has changed. */
    stayAwake: () => keep(),
    flush: () => saver.flush(),
    isUnsaved: () => saver.isUnsaved,
    answer: () => answerOf(state.value),
    close,
  };
}

export type ReviewWork = ReturnType<typeof useReview>;

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
