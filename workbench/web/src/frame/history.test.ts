import { expect, test } from "vitest";
import { History } from "./history";

test("undo goes back, redo forth, and a change forgets what was undone", () => {
  const history = new History("a");
  history.push("b");
  history.push("c");

  expect([history.undo(), history.now, history.canRedo]).toEqual([true, "b", true]);
  expect([history.redo(), history.now]).toEqual([true, "c"]);
  history.undo();
  history.push("d");
  expect([history.redo(), history.now]).toEqual([false, "d"]);
});

test("steps of one change are undone together", () => {
  const history = new History(0);
  history.push(1);
  history.replace(2);
  history.replace(3);

  history.undo();

  expect(history.now).toBe(0);
  expect(history.canUndo).toBe(false);
});
