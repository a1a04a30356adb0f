import { expect, test } from "vitest";
import { labelAtKey, labelColour, labelKey } from "./labels";

test("each key chooses one label, and the tools' own letters choose none", () => {
  const keys = Array.from({ length: 50 }, (_, at) => labelKey(at)).filter((key) => key !== null);

  expect(new Set(keys).size).toBe(keys.length);
  for (const key of "bceflnopsuwx") expect(labelAtKey(key, 50)).toBeNull();
  keys.forEach((key, at) => expect(labelAtKey(key, 50)).toBe(at));
});

test("colours are ten of AWS's first, and never the same twice among fifty", () => {
  const colours = Array.from({ length: 50 }, (_, at) => labelColour(at));

  expect(colours.slice(0, 3)).toEqual(["#1f77b4", "#ff7f0e", "#2ca02c"]);
  expect(new Set(colours).size).toBe(50);
  expect(colours.every((colour) => /^#[0-9a-f]{6}$/.test(colour))).toBe(true);
});
