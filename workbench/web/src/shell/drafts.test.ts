import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError, OfflineError } from "./api";
import { DraftSaver, RETRY_AFTER, type DraftState } from "./drafts";
import type { Answer } from "./types";

const KEY = "recto-draft:a1";

function setUp(save: (assignment: string, answer: Answer) => Promise<{ saved: string }>) {
  const states: DraftState[] = [];
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
  };
  const make = () => new DraftSaver("a1", { save, storage, onState: (state) => states.push(state) });
  return { saver: make(), make, states, kept, kinds: () => states.map((state) => state.kind) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a draft", () => {
  test("is saved once for many changes, with the last of them", async () => {
    const save = vi.fn(async () => ({ saved: "12:00" }));
    const { saver, states, kept } = setUp(save);

    for (let n = 0; n < 20; n++) saver.change({ n });
    expect(kept.get(KEY)).toBe('{"n":19}');
    await vi.advanceTimersByTimeAsync(1000);

    expect(save.mock.calls).toEqual([["a1", { n: 19 }]]);
    expect(states.at(-1)).toEqual({ kind: "saved", at: "12:00" });
    expect(kept.size).toBe(0);
    expect(saver.isUnsaved).toBe(false);
  });

  test("is tried again with growing pauses while the server is away, and never dropped", async () => {
    let isAway = true;
    const save = vi.fn(async () => {
      if (isAway) throw new OfflineError("gone");
      return { saved: "12:01" };
    });
    const { saver, kinds, kept } = setUp(save);

    saver.change({ n: 1 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(kinds().at(-1)).toBe("retrying");
    saver.change({ n: 2 });
    await vi.advanceTimersByTimeAsync(RETRY_AFTER[0] ?? 0);
    expect(save).toHaveBeenCalledTimes(2);
    expect(kept.get(KEY)).toBe('{"n":2}');
    isAway = false;
    await vi.advanceTimersByTimeAsync(RETRY_AFTER[1] ?? 0);

    expect(save).toHaveBeenLastCalledWith("a1", { n: 2 });
    expect(kinds().at(-1)).toBe("saved");
  });

  test("that changes while it is on its way is saved again", async () => {
    const answers: Answer[] = [];
    const { saver, kinds } = setUp(async (_, answer) => {
      answers.push(answer);
      await new Promise((done) => setTimeout(done, 500));
      return { saved: "12:02" };
    });

    saver.change({ n: 1 });
    await vi.advanceTimersByTimeAsync(1200);
    saver.change({ n: 2 });
    await vi.advanceTimersByTimeAsync(4000);

    expect(answers.at(-1)).toEqual({ n: 2 });
    expect(kinds().at(-1)).toBe("saved");
  });

  test("that the server refuses is not sent again by itself, and stays in the tab", async () => {
    const save = vi.fn(async () => {
      throw new ApiError(409, "TaskExpiredError", "over");
    });
    const { saver, kinds, kept } = setUp(save);

    saver.change({ n: 1 });
    await vi.advanceTimersByTimeAsync(60_000);

    expect(save).toHaveBeenCalledTimes(1);
    expect(kinds().at(-1)).toBe("refused");
    expect(kept.get(KEY)).toBe('{"n":1}');
  });

  test("of before a reload comes back", () => {
    const { saver, make } = setUp(async () => ({ saved: "" }));

    saver.change({ n: 7 });

    expect(make().restore()).toEqual({ n: 7 });
  });

  test("that is damaged in the storage is dropped", () => {
    const { make, kept } = setUp(async () => ({ saved: "" }));
    kept.set(KEY, "{half");

    expect(make().restore()).toBeNull();
    expect(kept.size).toBe(0);
  });

  test("waits while an answer is on its way, and goes with it once it is taken", async () => {
    const save = vi.fn(async () => ({ saved: "" }));
    const { saver, kept } = setUp(save);

    saver.change({ n: 1 });
    await saver.hold();
    await vi.advanceTimersByTimeAsync(5000);
    expect(save).not.toHaveBeenCalled();
    saver.close(true);

    expect(kept.size).toBe(0);
    expect(saver.unsaved).toBeNull();
  });

  test("is saved after all when the answer was not taken", async () => {
    const save = vi.fn(async () => ({ saved: "" }));
    const { saver } = setUp(save);

    saver.change({ n: 1 });
    await saver.hold();
    saver.resume();
    await vi.advanceTimersByTimeAsync(1000);

    expect(save).toHaveBeenCalledTimes(1);
  });

  test("lives in memory where the browser allows no storage", async () => {
    const save = vi.fn(async () => ({ saved: "" }));
    const forbidden = () => {
      throw new DOMException("no", "SecurityError");
    };
    const storage = { getItem: forbidden, setItem: forbidden, removeItem: forbidden };
    const saver = new DraftSaver("a1", { save, storage, onState: () => undefined });

    expect(saver.restore()).toBeNull();
    saver.change({ n: 1 });
    await saver.flush();

    expect(save).toHaveBeenCalledWith("a1", { n: 1 });
  });
});
