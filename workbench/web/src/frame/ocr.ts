// recto-ocr-annotation: boxes on a page and the review of what OCR read in them. The answer is that of the
// reference's custom OCR task. Overlapping boxes of one label are one entity, known by its own name.
import { settled, type Answer } from "./answering";
import type { EditBox } from "./boxes";
import { BOX_HELP, BoxTool, givenBoxes } from "./bounding-box";
import { h } from "./dom";
import { randomUid } from "./groups";
import {
  decided,
  EMPTY,
  entities,
  followed,
  holding,
  readReviews,
  reviewAnswer,
  STATUSES,
  undone,
  type Entity,
  type Snapshot,
  type Status,
} from "./ocr-review";
import { TranscriptionCard } from "./ocr-card";
import { proxyAnswer } from "./proxies";
import { pageWords } from "./words";
import { PICTURE_HELP, type HelpRow } from "./workspace";

const HELP: HelpRow[] = [
  ["Enter", "the transcription is correct (or keep the earlier answer); go to the next open one"],
  ["c e u", "correct; wrong: edit it; unclear"],
  [". ,", "next, previous word"],
  ["b, then >", "a box around the word; take in the next word"],
  ["w s", "show words, snap to words: on or off"],
];

interface Earlier {
  boxIds: string[];
  status: Status;
  rawText: string;
  targetText: string;
}

export class RectoOcrAnnotation extends BoxTool {
  private readonly cardList = h("div", { class: "cards" });
  private readonly progress = h("p", { role: "status" });
  private readonly ocrFault = h("div", { class: "fault", role: "alert", hidden: true });
  private readonly cards = new Map<string, TranscriptionCard>();
  private readonly snapshots = new WeakMap<readonly EditBox[], Snapshot>();
  private now: Snapshot = EMPTY;
  private found: Entity[] = [];
  private foundFor: unknown[] = [];
  private earlier: Earlier[] = [];
  private ocr: "none" | "loading" | "ready" | "failed" = "none";
  private typingAt: readonly EditBox[] | null = null;

  protected override async begin(): Promise<void> {
    this.left.prepend(h("h2", {}, "Transcriptions"), this.ocrFault, this.progress, this.cardList);
    this.left.hidden = false;
    this.left.setAttribute("aria-label", "Transcriptions and instructions");
    const toggles = [
      this.button("Words", "w", () => this.toggleKey("w")),
      this.button("Snap", "s", () => this.toggleKey("s")),
    ];
    this.bar.prepend(...toggles);
    const loading = super.begin();
    this.editor.start(this.initialBoxes());
    this.now = followed(this.editor.boxes, EMPTY, randomUid);
    this.remember();
    this.putProxies();
    this.refreshUndo();
    this.ocr = this.getAttribute("ocr-src") ? "loading" : "none";
    this.show();
    await loading;
    await this.loadOcr();
  }

  private toggleKey(key: string): void {
    this.editor.key(new KeyboardEvent("keydown", { key }));
    this.stage.element.focus();
  }

  // --- what is given ----------------------------------------------------------------------------------

  private initialBoxes(): EditBox[] {
    const given = this.attribute("initial-value");
    if (Array.isArray(given) || given === null) return this.asSuggestions(givenBoxes(given));
    const { boxes, entities: said } = given as { boxes?: unknown; entities?: unknown };
    const made = this.asSuggestions(givenBoxes(boxes));
    this.earlier = (Array.isArray(said) ? said : []).map((one: Record<string, unknown>) => ({
      boxIds: (Array.isArray(one.boxIxs) ? one.boxIxs : []).flatMap((at) => made[Number(at)]?.id ?? []),
      status: STATUSES.find((status) => status === one.ocrStatus) ?? "",
      rawText: String(one.rawText ?? ""),
      targetText: String(one.targetText ?? ""),
    }));
    return made;
  }

  private async loadOcr(): Promise<void> {
    const source = this.getAttribute("ocr-src");
    if (!source) return;
    this.ocr = "loading";
    this.show();
    try {
      const response = await fetch(source);
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const words = pageWords(
        await response.json(),
        Number(this.getAttribute("page-num")) || 1,
        this.stage.size,
      );
      this.editor.setWords(words);
      this.ocr = "ready";
      this.ocrFault.hidden = true;
    } catch (error) {
      this.ocr = "failed";
      const again = h("button", { type: "button", onclick: () => void this.loadOcr() }, "Try again");
      const text = `The page's OCR could not be loaded (${(error as Error).message}). Try again; if it stays so, skip the task and say why.`;
      this.ocrFault.replaceChildren(h("p", {}, text), again);
      this.ocrFault.hidden = false;
    }
    this.show();
    this.putProxies();
    settled(this);
  }

  // --- entities ---------------------------------------------------------------------------------------

  private remember(): void {
    this.snapshots.set(this.editor.boxes, this.now);
  }

  protected override boxesChanged(): void {
    const kept = this.snapshots.get(this.editor.boxes);
    this.now = kept ?? followed(this.editor.boxes, this.now, randomUid);
    this.remember();
    this.showSoon();
    this.refreshUndo();
    this.answerChanged();
  }

  /** The entities as they are now; found anew only when boxes, groups or words are others. */
  private refound(): Entity[] {
    const { boxes, words } = this.editor;
    const [sameBoxes, sameGroups, sameWords] = this.foundFor;
    if (boxes !== sameBoxes || this.now.groups !== sameGroups || words !== sameWords) {
      this.found = entities(boxes, this.now.groups, words);
      this.foundFor = [boxes, this.now.groups, words];
    }
    return this.found;
  }

  /** Cards follow their entity by its name; none is made anew because another box went. */
  protected override show(): void {
    super.show();
    const list = this.refound();
    for (const [uid, card] of this.cards) {
      if (list.some((entity) => entity.uid === uid)) continue;
      card.element.remove();
      this.cards.delete(uid);
    }
    list.forEach((entity, at) => {
      const card = this.cards.get(entity.uid) ?? this.newCard(entity.uid);
      card.show(entity, {
        status: holding(entity, this.now.reviews),
        override: this.now.reviews.get(entity.uid)?.override ?? this.earlierOf(entity)?.targetText ?? "",
        colour: this.colours.get(entity.label) ?? "#000",
        selected: entity.boxIds.includes(this.editor.selected ?? ""),
        earlier: this.earlierOf(entity),
      });
      if (this.cardList.children[at] !== card.element)
        this.cardList.insertBefore(card.element, this.cardList.children[at] ?? null);
    });
    this.progress.textContent = this.progressText(list);
  }

  private progressText(list: Entity[]): string {
    if (this.ocr === "loading") return "Loading the page's OCR …";
    if (list.length === 0) return "Draw a box around a value: what OCR read there appears here.";
    const done = list.filter((entity) => !undone(entity, this.now.reviews)).length;
    return `${done} of ${list.length} reviewed`;
  }

  private newCard(uid: string): TranscriptionCard {
    const card = new TranscriptionCard(uid, {
      choose: (status) => this.decide(uid, status),
      type: (text) => this.type(uid, text),
      done: () => this.nextOpen(uid),
      leave: () => this.stage.element.focus(),
      select: (chosen) => this.selectEntity(uid, chosen),
      keep: () => this.keepEarlier(uid),
    });
    this.cards.set(uid, card);
    return card;
  }

  private entity(uid: string): Entity | undefined {
    return this.refound().find((one) => one.uid === uid);
  }

  private earlierOf(entity: Entity): Earlier | undefined {
    return this.earlier.find((one) => one.boxIds.some((id) => entity.boxIds.includes(id)));
  }

  private selectEntity(uid: string, chosen = false): void {
    const ids = this.entity(uid)?.boxIds ?? [];
    const current = ids.find((id) => id === this.editor.selected);
    if (current && chosen) this.editor.select(current);
    else if (ids.length && !current) this.editor.select(ids[0]!, true, chosen);
  }

  // --- decisions --------------------------------------------------------------------------------------

  private decide(uid: string, status: Status, override?: string): void {
    const entity = this.entity(uid);
    if (!entity) return;
    if (status === "correct" && entity.text === "")
      return this.say("Nothing was read here: type it, or say unclear");
    this.selectEntity(uid);
    const next = decided(this.now, entity, status, override ?? this.shownOverride(entity));
    // A new list with accepted boxes: a step that can be undone, whose decisions are kept beside it.
    this.editor.history.push(this.acceptedBoxes(entity));
    this.typingAt = null;
    this.settle(next);
    if (status === "wrong") this.cards.get(uid)?.edit();
    this.say(`${entity.label}: ${status}`);
  }

  private shownOverride(entity: Entity): string {
    const said = this.now.reviews.get(entity.uid)?.override || this.earlierOf(entity)?.targetText;
    return said || entity.text;
  }

  private acceptedBoxes(entity: Entity): EditBox[] {
    return this.editor.boxes.map((box) =>
      entity.boxIds.includes(box.id) ? { ...box, suggested: false } : box,
    );
  }

  private type(uid: string, text: string): void {
    const entity = this.entity(uid);
    if (!entity) return;
    const joined = this.typingAt === this.editor.boxes;
    const boxes = this.acceptedBoxes(entity);
    if (joined) this.editor.history.replace(boxes);
    else this.editor.history.push(boxes);
    this.typingAt = boxes;
    this.settle(decided(this.now, entity, "wrong", text));
  }

  private settle(next: Snapshot): void {
    this.now = next;
    this.remember();
    this.show();
    this.stage.changed();
    this.answerChanged();
  }

  private keepEarlier(uid: string): void {
    const entity = this.entity(uid);
    const earlier = entity && this.earlierOf(entity);
    if (earlier?.status) this.decide(uid, earlier.status, earlier.targetText);
    this.nextOpen(uid);
  }

  /** Goes to the next entity that needs a decision, after this one. */
  private nextOpen(uid: string): void {
    const list = this.refound();
    const at = list.findIndex((entity) => entity.uid === uid);
    const order = [...list.slice(at + 1), ...list.slice(0, at + 1)];
    const next = order.find((entity) => undone(entity, this.now.reviews));
    this.stage.element.focus();
    if (next) this.editor.select(next.boxIds[0]!, true);
    else this.say("All transcriptions are reviewed");
  }

  protected override selectionChanged(): void {
    super.selectionChanged();
    this.showSoon();
    const entity = this.refound().find((one) => one.boxIds.includes(this.editor.selected ?? ""));
    if (entity) this.cards.get(entity.uid)?.element.scrollIntoView({ block: "nearest" });
  }

  // --- keys -------------------------------------------------------------------------------------------

  protected override key(event: KeyboardEvent): boolean {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (plain && this.decisionKey(event.key)) return true;
    return super.key(event);
  }

  private decisionKey(key: string): boolean {
    const entity = this.refound().find((one) => one.boxIds.includes(this.editor.selected ?? ""));
    if (!entity) return false;
    const status: Status | undefined = ({ c: "correct", e: "wrong", u: "unclear" } as const)[key as "c"];
    if (status) return (this.decide(entity.uid, status), true);
    if (key !== "Enter") return false;
    if (!undone(entity, this.now.reviews)) return (this.nextOpen(entity.uid), true);
    if (this.earlierOf(entity)?.status && this.earlierOf(entity)?.rawText === entity.text)
      return (this.keepEarlier(entity.uid), true);
    this.decide(entity.uid, "correct");
    if (holding(entity, this.now.reviews) === "correct") this.nextOpen(entity.uid);
    return true;
  }

  protected override helpRows(): HelpRow[] {
    return [
      ...HELP,
      ...BOX_HELP.filter(([keys]) => !keys.startsWith("Enter")),
      ["Shift + Enter", "accept all suggested boxes"],
      ...PICTURE_HELP,
    ];
  }

  // --- the answer -------------------------------------------------------------------------------------

  override get name(): string {
    return this.getAttribute("name") ?? "boxtool";
  }

  get value(): Answer {
    return this.boxAnswer();
  }

  answerTo(answer: Answer): void {
    answer[this.name] = this.boxAnswer();
    Object.assign(answer, reviewAnswer(this.refound(), this.now.reviews, this.labels));
  }

  draftTo(draft: Answer): void {
    draft[`recto:${this.name}`] = {
      suggested: this.editor.boxes.flatMap((box, at) => (box.suggested ? [at] : [])),
    };
  }

  restore(draft: Answer): void {
    const part = draft[this.name] as { boundingBoxes?: unknown } | undefined;
    if (!part) return;
    const kept = draft[`recto:${this.name}`] as { suggested?: number[] } | undefined;
    const boxes = givenBoxes(part.boundingBoxes).map((box, at) => ({
      ...box,
      id: randomUid(),
      suggested: kept?.suggested?.includes(at) ?? false,
    }));
    this.editor.start(boxes);
    const read = readReviews(
      draft,
      boxes.map((box) => box.id),
    );
    this.now = followed(boxes, read, randomUid);
    this.remember();
    this.show();
    this.refreshUndo();
  }

  override missing(): string | null {
    const picture = super.missing();
    if (picture) return picture;
    if (this.ocr === "loading" || this.ocr === "failed") return "the page's OCR is not loaded";
    return (
      this.refound()
        .map((entity) => undone(entity, this.now.reviews))
        .find((text) => text !== null) ?? null
    );
  }

  override showMissing(): void {
    const entity = this.refound().find((one) => undone(one, this.now.reviews));
    this.say(this.missing() ?? "");
    if (!entity) return this.stage.element.focus();
    this.selectEntity(entity.uid);
    this.cards.get(entity.uid)?.focus();
  }

  // --- in Ground Truth itself -------------------------------------------------------------------------

  /** AWS's crowd-form knows nothing of us: the answer lies for it in inputs beside. Set by the inlined variant. */
  static proxies = false;

  protected override answerChanged(): void {
    super.answerChanged();
    this.putProxies();
  }

  private putProxies(): void {
    if (!RectoOcrAnnotation.proxies) return;
    const answer: Answer = {};
    this.answerTo(answer);
    proxyAnswer(this, answer);
  }
}
