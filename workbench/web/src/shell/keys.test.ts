import { expect, test } from "vitest";
import { PAGE_KEYS, commandOf, nameOf } from "./keys";

const pressed = (key: string, code: string, held = "") => ({
  key,
  code,
  ctrlKey: held.includes("c"),
  metaKey: held.includes("m"),
  altKey: held.includes("a"),
  shiftKey: held.includes("s"),
});

test.each([
  [pressed("Enter", "Enter", "c"), "submit"],
  [pressed("Enter", "Enter", "m"), "submit"],
  [pressed("z", "KeyZ", "c"), "undo"],
  [pressed("Z", "KeyZ", "cs"), "redo"],
  [pressed("y", "KeyY", "c"), "redo"],
  [pressed("?", "Slash", "s"), "help"],
  [pressed("Í", "KeyS", "as"), "skip"],
  [pressed("D", "KeyD", "as"), "document"],
  [pressed("Enter", "Enter"), null],
  [pressed("z", "KeyZ"), null],
  [pressed("s", "KeyS", "a"), null],
])("%o is %s", (event, command) => {
  expect(commandOf(nameOf(event))).toBe(command);
});

test("every key of the table is understood by its own name", () => {
  for (const { key, command } of PAGE_KEYS) expect(commandOf(key)).toBe(command);
});
