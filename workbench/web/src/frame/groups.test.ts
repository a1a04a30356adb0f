import { expect, test } from "vitest";
import { trackGroups, type Group, type LabelledBox } from "./groups";

const box = (id: string, left: number, width = 10, label = "A"): LabelledBox => ({
  id,
  label,
  left,
  top: 0,
  width,
  height: 10,
});
const counter = () => {
  let next = 0;
  return () => `new${(next += 1)}`;
};
const ids = (groups: Group[]) => groups.map((group) => [group.uid, group.boxIds.join("")]);

test("overlapping boxes of one label are one entity, also through others", () => {
  const groups = trackGroups([box("a", 0), box("b", 16), box("c", 8)], [], counter());

  expect(ids(groups)).toEqual([["new1", "abc"]]);
});

test("boxes that touch, and boxes of other labels, stay apart", () => {
  const groups = trackGroups([box("a", 0), box("b", 10), box("c", 5, 10, "B")], [], counter());

  expect(groups).toHaveLength(3);
});

test("deleting a box moves no other entity", () => {
  const before = trackGroups([box("a", 0), box("b", 20), box("c", 40)], [], counter());
  const after = trackGroups([box("b", 20), box("c", 40)], before, () => "other");

  expect(ids(after)).toEqual([
    ["new2", "b"],
    ["new3", "c"],
  ]);
});

test("a moved or resized box stays its entity", () => {
  const before = trackGroups([box("a", 0), box("b", 20)], [], counter());
  const after = trackGroups([box("a", 300, 50), box("b", 20)], before, () => "other");

  expect(ids(after)).toEqual([
    ["new1", "a"],
    ["new2", "b"],
  ]);
});

test("two entities that grow together continue the one with more boxes", () => {
  const before = trackGroups([box("a", 0), box("b", 20), box("c", 28)], [], counter());
  const after = trackGroups(
    [box("a", 0), box("b", 20), box("c", 28), box("d", 5, 20)],
    before,
    () => "other",
  );

  expect(ids(after)).toEqual([["new2", "abcd"]]);
});

test("an entity that falls apart goes on once, the rest is new", () => {
  const before = trackGroups([box("a", 0), box("b", 8), box("c", 16)], [], counter());
  const after = trackGroups([box("a", 0), box("c", 16)], before, () => "other");

  expect(ids(after)).toEqual([
    ["new1", "a"],
    ["other", "c"],
  ]);
});
