// What a person said about the transcriptions of entities, and the answer made of it. Values in, values out.
import type { Answer } from "./answering";
import { addFlag, flagOf } from "./answering";
import { trackGroups, type Group, type LabelledBox } from "./groups";
import { textInside, type Word } from "./words";

export type Status = "" | "correct" | "wrong" | "unclear";
export const STATUSES = ["correct", "wrong", "unclear"] as const;

/** A decision, and the text and label it was made for: with another text it does not hold. */
export interface Review {
  status: Status;
  override: string;
  text: string;
  label: string;
}

export interface Entity extends Group {
  boxIxs: number[];
  text: string;
}

export interface Snapshot {
  groups: readonly Group[];
  reviews: ReadonlyMap<string, Review>;
}

export const EMPTY: Snapshot = { groups: [], reviews: new Map() };

export function followed(boxes: readonly LabelledBox[], earlier: Snapshot, newUid: () => string): Snapshot {
  return { groups: trackGroups(boxes, earlier.groups, newUid), reviews: earlier.reviews };
}

export function entities(
  boxes: readonly LabelledBox[],
  groups: readonly Group[],
  words: readonly Word[],
): Entity[] {
  return groups.map((group) => {
    const boxIxs = boxes.flatMap((box, at) => (group.boxIds.includes(box.id) ? [at] : []));
    return {
      ...group,
      boxIxs,
      text: textInside(
        words,
        boxIxs.map((at) => boxes[at]!),
      ),
    };
  });
}

/** The decision that holds for this entity as it is now. */
export function holding(entity: Entity, reviews: ReadonlyMap<string, Review>): Status {
  const review = reviews.get(entity.uid);
  return review && review.text === entity.text && review.label === entity.label ? review.status : "";
}

export function decided(snapshot: Snapshot, entity: Entity, status: Status, override?: string): Snapshot {
  const before = snapshot.reviews.get(entity.uid);
  const review = {
    status,
    override: override ?? before?.override ?? "",
    text: entity.text,
    label: entity.label,
  };
  return { ...snapshot, reviews: new Map(snapshot.reviews).set(entity.uid, review) };
}

/** What is still to do for an entity; null when nothing is. */
export function undone(entity: Entity, reviews: ReadonlyMap<string, Review>): string | null {
  const status = holding(entity, reviews);
  const named = `${entity.label} (${entity.text || "no text read"})`;
  if (status === "") return `${named}: say whether the transcription is correct, wrong or unclear`;
  const override = reviews.get(entity.uid)?.override.trim() ?? "";
  if (status === "wrong" && (!override || override === entity.text)) return `${named}: type the right text`;
  return null;
}

/** The reference's answer: `ocr-<uid>-meta`, `-correct`, `-wrong`, `-unclear` and, with wrong, `-override`. */
export function reviewAnswer(
  list: readonly Entity[],
  reviews: ReadonlyMap<string, Review>,
  labels: readonly string[],
): Answer {
  const answer: Answer = {};
  for (const entity of list) {
    const status = holding(entity, reviews);
    answer[`ocr-${entity.uid}-meta`] = JSON.stringify({
      label: entity.label,
      labelId: labels.indexOf(entity.label),
      boxIxs: entity.boxIxs,
      ocrText: entity.text,
    });
    for (const one of STATUSES) addFlag(answer, `ocr-${entity.uid}-${one}`, "on", status === one);
    const override = reviews.get(entity.uid)?.override ?? "";
    if (status === "wrong" && override.trim()) answer[`ocr-${entity.uid}-override`] = override;
  }
  return answer;
}

/** Entities and decisions out of an answer (a draft). Boxes are named by their place in it. */
export function readReviews(answer: Answer, boxIds: readonly string[]): Snapshot {
  const groups: Group[] = [];
  const reviews = new Map<string, Review>();
  for (const [key, value] of Object.entries(answer)) {
    const uid = /^ocr-(.+)-meta$/.exec(key)?.[1];
    if (!uid || typeof value !== "string") continue;
    const meta = JSON.parse(value) as { label?: unknown; boxIxs?: unknown; ocrText?: unknown };
    const at = Array.isArray(meta.boxIxs) ? meta.boxIxs.map(Number) : [];
    const label = String(meta.label ?? "");
    groups.push({ uid, label, boxIds: at.flatMap((index) => boxIds[index] ?? []) });
    const status = STATUSES.find((one) => flagOf(answer, `ocr-${uid}-${one}`, "on")) ?? "";
    const override = answer[`ocr-${uid}-override`];
    reviews.set(uid, {
      status,
      override: typeof override === "string" ? override : "",
      text: String(meta.ocrText ?? ""),
      label,
    });
  }
  return { groups, reviews };
}
