// Overlapping boxes of one label are one entity. An entity is known by its own name (uid), which it keeps while
// its boxes come, go and move: what a person said about it stays with it, and deleting a box moves nothing else.
import { overlaps, type Rect } from "./geometry";

export interface LabelledBox extends Rect {
  id: string;
  label: string;
}

export interface Group {
  uid: string;
  label: string;
  boxIds: string[];
}

/** The entities of these boxes, each with the name of the earlier entity that it continues. */
export function trackGroups(
  boxes: readonly LabelledBox[],
  earlier: readonly Group[],
  newUid: () => string,
): Group[] {
  const found = components(boxes);
  const uids = continued(found, earlier);
  return found.map((members, at) => ({
    uid: uids.get(at) ?? newUid(),
    label: members[0]!.label,
    boxIds: members.map((box) => box.id),
  }));
}

/** Boxes that overlap, directly or through others of the same label; in the order of their first box. */
export function components(boxes: readonly LabelledBox[]): LabelledBox[][] {
  const done = new Set<string>();
  const out: LabelledBox[][] = [];
  for (const first of boxes) {
    if (done.has(first.id)) continue;
    const members = new Set([first.id]);
    const waiting = [first];
    for (let box = waiting.pop(); box; box = waiting.pop()) {
      for (const other of boxes) {
        if (members.has(other.id) || other.label !== box.label || !overlaps(box, other)) continue;
        members.add(other.id);
        waiting.push(other);
      }
    }
    members.forEach((id) => done.add(id));
    out.push(boxes.filter((box) => members.has(box.id)));
  }
  return out;
}

/** Who continues whom: most shared boxes first, the older entity where two share as many. Each once. */
function continued(found: readonly LabelledBox[][], earlier: readonly Group[]): Map<number, string> {
  const ages = new Map(earlier.flatMap((group, age) => group.boxIds.map((id) => [id, age] as const)));
  const claims = found.flatMap((members, at) => {
    const shared = new Map<number, number>();
    for (const box of members) {
      const age = ages.get(box.id);
      if (age !== undefined) shared.set(age, (shared.get(age) ?? 0) + 1);
    }
    return [...shared].map(([age, boxes]) => ({ at, age, boxes, uid: earlier[age]!.uid }));
  });
  claims.sort((a, b) => b.boxes - a.boxes || a.age - b.age || a.at - b.at);
  const uids = new Map<number, string>();
  const taken = new Set<string>();
  for (const claim of claims) {
    if (uids.has(claim.at) || taken.has(claim.uid)) continue;
    uids.set(claim.at, claim.uid);
    taken.add(claim.uid);
  }
  return uids;
}

/** A name that no other entity has. */
export function randomUid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
