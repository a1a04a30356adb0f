/**
 * One person's work at a job: the task at hand, the one after it, drafts, the clock, what went wrong.
 *
 * The page (views/TaskPage.vue) shows it; frames are reached through the `send` that the page gives.
 */
import { computed, reactive, ref, shallowRef } from "vue";
import { ApiError, OfflineError, api, isTemporary, serverNow } from "./api";
import { announce } from "./announce";
import { instantOf, spoken, timeOfDay, urgencyOf, type Urgency } from "./clock";
import { DraftSaver, type DraftState } from "./drafts";
import type { FrameKey, FromFrame, ToFrame } from "./protocol";
import { go, links, nameInAddress } from "./route";
import { noteSignedOut } from "./session";
import type { Answer, Job, Task } from "./types";
import { replaceLargeImages, uploadBy } from "./uploads";

/** A task with what its frame has told. */
export interface Held {
  /** One number for each loaded frame. */
  id: number;
  task: Task;
  frame: {
    ready: boolean;
    keys: FrameKey[];
    complete: boolean | null;
    missing: string;
    canUndo: boolean;
    canRedo: boolean;
    error: string;
    late: boolean;
  };
}

export interface Action {
  label: string;
  run(): void;
}

export interface Problem {
  title: string;
  text: string;
  detail: string;
  actions: Action[];
}

export type Phase = "loading" | "working" | "submitting" | "none" | "stopped";
export type Start = { job: string } | { assignment: string };
export type Send = (held: Held, message: ToFrame) => void;

const FRAME_LATE_AFTER = 15_000;
const PRELOAD_AFTER = 2500;

export function useWork(send: Send) {
  const phase = ref<Phase>("loading");
  const current = shallowRef<Held | null>(null);
  const next = shallowRef<Held | null>(null);
  const draft = ref<DraftState>({ kind: "none" });
  const problem = shallowRef<Problem | null>(null);
  const job = ref<Job | null>(null);
  const jobName = ref("");
  const doneNow = ref(0);
  const left = ref<number | null>(null);
  let saver: DraftSaver | null = null;
  let answer: Answer | null = null;
  /** Whose answer was asked for before it was known whether it is complete. */
  let asked: Held | null = null;
  let isGone = false;
  let saidUrgency: Urgency = "calm";
  const timers = new Set<ReturnType<typeof setTimeout>>();

  const urgency = computed<Urgency>(() =>
    left.value === null || !current.value
      ? "calm"
      : urgencyOf(left.value, current.value.task.time_limit_seconds),
  );

  // ---- taking tasks -------------------------------------------------------------------------------

  async function begin(start: Start): Promise<void> {
    await guarded(
      async () => {
        if ("assignment" in start) await take(await api.task(start.assignment));
        else {
          jobName.value = start.job;
          await advance();
        }
      },
      () => void begin(start),
    );
  }

  async function take(task: Task, held: Held | null = null): Promise<void> {
    jobName.value = task.job;
    const started = task.state === "RESERVED" ? await api.start(task.assignment) : task;
    if (started.state !== "STARTED" || isOver(started)) {
      ended(started);
      return;
    }
    show(started, held);
  }

  function show(task: Task, held: Held | null): void {
    const isLoaded = held !== null && held.task.nonce === task.nonce;
    // A frame that is loaded stays: its address may be signed anew with each answer of the API.
    if (isLoaded) held.task = { ...task, frame: held.task.frame };
    current.value = isLoaded ? held : hold(task);
    if (next.value?.task.assignment === task.assignment) next.value = null;
    saver = makeSaver(task);
    answer = null;
    problem.value = null;
    saidUrgency = "calm";
    draft.value = { kind: "none" };
    phase.value = "working";
    nameInAddress(links.task(task.assignment));
    tick();
    later(FRAME_LATE_AFTER, () => markLate(task.assignment));
    later(PRELOAD_AFTER, () => void preload());
    void learnJob();
  }

  function makeSaver(task: Task): DraftSaver {
    const made = new DraftSaver(task.assignment, {
      save: api.saveDraft,
      storage: window.sessionStorage,
      onState: (state) => {
        if (saver === made) onDraftState(state);
      },
    });
    const unsaved = made.restore();
    if (unsaved) made.change(unsaved);
    return made;
  }

  async function advance(): Promise<void> {
    saver = null;
    draft.value = { kind: "none" };
    const ready = next.value;
    if (ready) {
      const started = await startReserved(ready);
      if (started) return;
    }
    const { task } = await api.next(jobName.value, false);
    if (task) return take(task);
    current.value = null;
    left.value = null;
    phase.value = "none";
    nameInAddress(links.work(jobName.value));
    announce("Nothing more is open for you in this job now.");
    void learnJob();
  }

  /** Whether a task handed out ahead could be started; its reservation may have ended meanwhile. */
  async function startReserved(held: Held): Promise<boolean> {
    try {
      await take(await api.start(held.task.assignment), held);
      return phase.value === "working";
    } catch (error) {
      if (!(error instanceof ApiError) || error.isTemporary || error.status === 401) throw error;
      if (next.value === held) next.value = null;
      return false;
    }
  }

  /** Reserve the task after this one and let its frame load, unseen. */
  async function preload(): Promise<void> {
    const at = current.value;
    if (!at || next.value || phase.value !== "working") return;
    try {
      const { task } = await api.next(jobName.value, true);
      if (!task || task.state !== "RESERVED") return;
      const isWanted = !isGone && current.value === at && !next.value;
      if (isWanted && task.assignment !== at.task.assignment) next.value = hold(task);
      else if (task.assignment !== current.value?.task.assignment && isGone)
        await api.release(task.assignment, true);
    } catch {
      // Only a head start is lost; the next task is asked for again when it is needed.
    }
  }

  // ---- what the frame says ------------------------------------------------------------------------

  function onFrame(held: Held, message: FromFrame): void {
    const isCurrent = held === current.value;
    switch (message.type) {
      case "ready":
        held.frame.ready = true;
        held.frame.late = false;
        held.frame.keys = message.keys;
        send(held, { type: "init", draft: draftOf(held.task) });
        if (isCurrent) void preload();
        break;
      case "draft":
        if (isCurrent && phase.value === "working") saver?.change(message.answer);
        break;
      case "state":
        Object.assign(held.frame, {
          complete: message.complete,
          missing: message.missing,
          canUndo: message.canUndo,
          canRedo: message.canRedo,
        });
        if (isCurrent && asked === held) sayMissing(held);
        break;
      case "submit":
        if (isCurrent && phase.value === "working") void submit(message.answer);
        break;
      case "error":
        held.frame.error = message.message || "unknown";
        if (isCurrent) announce("The task's page reports an error.", true);
        break;
      case "key":
        break; // the page's business
    }
  }

  function draftOf(task: Task): Answer | null {
    const kept = new DraftSaver(task.assignment, {
      save: api.saveDraft,
      storage: window.sessionStorage,
      onState: () => undefined,
    });
    return kept.restore() ?? task.draft;
  }

  function markLate(assignment: string): void {
    const held = current.value;
    if (held?.task.assignment === assignment && !held.frame.ready) held.frame.late = true;
  }

  // ---- sending ------------------------------------------------------------------------------------

  function requestSubmit(): void {
    const held = current.value;
    if (!held || phase.value !== "working") return;
    if (answer) void submit(answer);
    else send(held, { type: "request-submit" });
    if (held.frame.complete === null) asked = held;
    else sayMissing(held);
  }

  function sayMissing(held: Held): void {
    asked = null;
    if (held.frame.complete === false && held.frame.missing)
      announce(`Not complete: ${held.frame.missing}`, true);
  }

  async function submit(sent: Answer): Promise<void> {
    const held = current.value;
    if (!held) return;
    phase.value = "submitting";
    problem.value = null;
    await saver?.hold();
    try {
      const { task } = held;
      const light = await replaceLargeImages(sent, uploadBy(api, task.assignment));
      await api.submit(task.assignment, task.nonce, light);
    } catch (error) {
      notTaken(sent, error);
      return;
    }
    saver?.close(true);
    send(held, { type: "submitted" });
    doneNow.value += 1;
    announce("Answer saved.");
    await goOn();
  }

  function notTaken(sent: Answer, error: unknown): void {
    phase.value = "working";
    saver?.resume();
    if (noteSignedOut(error) || isTemporary(error)) {
      answer = sent;
      problem.value = {
        title: "Not sent yet",
        text: `${reasonOf(error)} Your answer is kept in this tab: leave it open and send it again.`,
        detail: "",
        actions: [{ label: "Send again", run: () => void submit(sent) }, backToTask()],
      };
      announce("The answer is not sent yet.", true);
      return;
    }
    refused(error);
  }

  /** The API said no for good: tell what became of the work. */
  function refused(error: unknown): void {
    const code = error instanceof ApiError ? error.code : "";
    const detail = reasonOf(error);
    if (code === "TaskExpiredError") return expired(detail);
    if (code === "AlreadySubmittedError")
      return stop(
        "This task has its answer already",
        "An answer of yours to this task was taken before, perhaps in another tab. That one counts; this one was not taken.",
        detail,
      );
    if (code === "NonceError") {
      problem.value = {
        title: "This task was opened again elsewhere",
        text: `The answer was not taken, because a newer page of this task exists. ${keptAsDraft()} Load the task again to go on here.`,
        detail,
        actions: [{ label: "Load again", run: () => void reload() }],
      };
      return;
    }
    if (code === "NotAllowedError" || code === "TaskMissingError")
      return stop("This task is not yours any more", `The answer was not taken. ${keptAsDraft()}`, detail);
    problem.value = {
      title: "The answer was not accepted",
      text: `Nothing is lost: change what is wrong and submit again. ${keptAsDraft()}`,
      detail,
      actions: [backToTask()],
    };
  }

  function backToTask(): Action {
    return {
      label: "Back to the task",
      run: () => {
        answer = null; // it may be changed first, and is asked for anew
        problem.value = null;
      },
    };
  }

  function keptAsDraft(): string {
    const state = draft.value;
    if (state.kind === "saved") return `Your work until ${timeOfDay(state.at)} is kept as a draft.`;
    if (saver?.unsaved) return "Your work is kept in this tab.";
    return current.value?.task.draft ? "Your earlier draft is kept." : "";
  }

  /** Load the task anew, with what was done so far. */
  async function reload(): Promise<void> {
    const held = current.value;
    if (!held) return;
    await guarded(
      async () => {
        saver?.resume();
        await saver?.flush();
        saver?.close(false);
        const fresh = await api.task(held.task.assignment);
        current.value = null;
        await take(fresh);
      },
      () => void reload(),
    );
  }

  async function skip(reason: string): Promise<void> {
    await leaveTask(async (assignment) => {
      await api.skip(assignment, reason);
      announce("Task skipped.");
      saver?.close(true);
      await goOn();
    });
  }

  async function giveBack(): Promise<void> {
    await leaveTask(async (assignment) => {
      await saver?.flush();
      await api.release(assignment);
      saver?.close(false);
      current.value = null;
      announce("Task given back.");
      go(links.jobs());
    });
  }

  async function leaveTask(act: (assignment: string) => Promise<void>): Promise<void> {
    const held = current.value;
    if (!held || phase.value !== "working") return;
    try {
      await act(held.task.assignment);
    } catch (error) {
      if (noteSignedOut(error) || isTemporary(error)) {
        problem.value = {
          title: "That did not work",
          text: `${reasonOf(error)} The task is still yours.`,
          detail: "",
          actions: [backToTask()],
        };
      } else refused(error);
    }
  }

  async function goOn(): Promise<void> {
    phase.value = "loading";
    await guarded(advance, () => void goOn());
  }

  // ---- time ---------------------------------------------------------------------------------------

  function tick(): void {
    const task = current.value?.task;
    const end = task ? instantOf(task.expires) : null;
    left.value = end === null ? null : end - serverNow();
    if (left.value === null || phase.value !== "working") return;
    if (left.value <= 0 && !problem.value) expired("");
    if (urgency.value !== saidUrgency) {
      saidUrgency = urgency.value;
      if (saidUrgency === "soon" || saidUrgency === "now") {
        announce(`${spoken(left.value)} left for this task.`, true);
        void saver?.flush();
      }
    }
  }

  function isOver(task: Task): boolean {
    const end = instantOf(task.expires);
    return task.state === "STARTED" && end !== null && end <= serverNow();
  }

  function expired(detail: string): void {
    stop(
      "The time for this task is over",
      `No answer was taken, and the task goes back to the others. ${keptAsDraft()}`,
      detail,
    );
  }

  function ended(task: Task): void {
    if (task.state === "STARTED" || task.state === "EXPIRED") return expired("");
    const became = {
      SUBMITTED: "You have answered this task. Its answer is kept.",
      SKIPPED: "You have skipped this task.",
      RETURNED: "You have given this task back.",
      RESERVED: "This task could not be started.",
    }[task.state];
    stop("This task is done with", became, "");
  }

  // ---- what can go wrong anywhere -----------------------------------------------------------------

  function stop(title: string, text: string, detail: string): void {
    saver?.close(false);
    phase.value = "stopped";
    announce(title, true);
    problem.value = {
      title,
      text,
      detail,
      actions: [
        {
          label: "Next task",
          run: () => {
            problem.value = null;
            void goOn();
          },
        },
        { label: "All jobs", run: () => go(links.jobs()) },
      ],
    };
  }

  async function guarded(act: () => Promise<void>, again: () => void): Promise<void> {
    try {
      await act();
    } catch (error) {
      const isPassing = noteSignedOut(error) || isTemporary(error);
      phase.value = "stopped";
      problem.value = {
        title: isPassing ? "The task could not be loaded" : "This task cannot be opened",
        text: reasonOf(error),
        detail: "",
        actions: [
          {
            label: "Try again",
            run: () => {
              problem.value = null;
              phase.value = "loading";
              again();
            },
          },
          { label: "All jobs", run: () => go(links.jobs()) },
        ],
      };
    }
  }

  function onDraftState(state: DraftState): void {
    const was = draft.value.kind;
    draft.value = state;
    if (state.kind === "saved" && was !== "saved") announce("Draft saved.");
    if (state.kind === "retrying" && was !== "retrying")
      announce("The draft is not saved yet; it is tried again.", true);
    if (state.kind !== "refused" || phase.value !== "working" || problem.value) return;
    if (noteSignedOut(state.error)) return;
    const code = state.error instanceof ApiError ? state.error.code : "";
    if (code !== "TooLargeError" && code !== "RequestError") refused(state.error);
  }

  async function learnJob(): Promise<void> {
    try {
      const { jobs } = await api.jobs();
      job.value = jobs.find((one) => one.name === jobName.value) ?? null;
    } catch {
      // The task's own counts are there.
    }
  }

  function later(pause: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!isGone) act();
    }, pause);
    timers.add(timer);
  }

  // ---- the page comes and goes --------------------------------------------------------------------

  const onOnline = () => {
    if (answer && problem.value) void submit(answer);
    else void saver?.flush();
  };
  const onHide = () => {
    const unsaved = saver?.unsaved;
    if (saver && unsaved && phase.value === "working")
      void api.saveDraft(saver.assignment, unsaved, true).catch(() => undefined);
    if (next.value) void api.release(next.value.task.assignment, true).catch(() => undefined);
  };
  const onShow = (event: PageTransitionEvent) => {
    if (event.persisted) window.location.reload();
  };
  const onLeave = (event: BeforeUnloadEvent) => {
    const isKept = !answer && !(saver?.isUnsaved && draft.value.kind === "retrying");
    if (phase.value !== "submitting" && isKept) return;
    event.preventDefault();
  };
  const clock = setInterval(tick, 1000);
  window.addEventListener("online", onOnline);
  window.addEventListener("pagehide", onHide);
  window.addEventListener("pageshow", onShow);
  window.addEventListener("beforeunload", onLeave);

  function close(): void {
    isGone = true;
    clearInterval(clock);
    timers.forEach(clearTimeout);
    window.removeEventListener("online", onOnline);
    window.removeEventListener("pagehide", onHide);
    window.removeEventListener("pageshow", onShow);
    window.removeEventListener("beforeunload", onLeave);
    void saver?.flush();
    if (next.value) void api.release(next.value.task.assignment).catch(() => undefined);
  }

  /** Signed in again in another tab: go on with what waits. */
  function signedInAgain(): void {
    if (answer) void submit(answer);
    else void saver?.flush();
  }

  return {
    phase,
    current,
    next,
    draft,
    problem,
    job,
    jobName,
    doneNow,
    left,
    urgency,
    begin,
    onFrame,
    requestSubmit,
    skip,
    giveBack,
    reload,
    goOn,
    signedInAgain,
    close,
  };
}

let frames = 0;

function hold(task: Task): Held {
  frames += 1;
  return {
    id: frames,
    task,
    frame: reactive({
      ready: false,
      keys: [],
      complete: null,
      missing: "",
      canUndo: false,
      canRedo: false,
      error: "",
      late: false,
    }),
  };
}

/** An error as a sentence for the person. */
export function reasonOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return "You are signed out.";
  if (error instanceof ApiError || error instanceof OfflineError) return error.message;
  return `Something unexpected happened: ${String(error)}`;
}
