// crowd-form and crowd-button. The form collects the answer, asks its parts what is missing, respects a template's
// own handlers (onsubmit, preventDefault), and hands the answer to the page around.
import {
  CHANGED,
  SETTLED,
  flattened,
  foreignAnswer,
  isAnswering,
  isForeign,
  isPlain,
  plainAnswer,
  plainRestore,
  type Answer,
  type Answering,
} from "./answering";
import { h, shadow } from "./dom";
import { inWorkbench, listen, pageHasButtons, tell } from "./link";
import { BASE } from "./style";

const DRAFT_MS = 1000;
const AGAIN_MS = 2000;
const SUBMITS =
  'crowd-button[form-action="submit"], button[type="submit"], button:not([type]), input[type="submit"]';

export class CrowdForm extends HTMLElement {
  /** The form around the parts; templates add to it. */
  readonly form = document.createElement("form");
  /** Parts that are not inside, but around the form. */
  private readonly around: Answering[] = [];
  /** A button that does what the page's own does: hidden, and pressed by it. */
  private hiddenButton: HTMLElement | null = null;
  private readonly message = h("p", { class: "recto-missing", role: "alert", hidden: true });
  private sentAt = -Infinity;
  private draftTimer = 0;
  private telling = 0;
  private ready = false;

  connectedCallback(): void {
    if (this.ready) return;
    this.ready = true;
    this.form.noValidate = true;
    // A form of this method outside a dialog goes nowhere: our answer is sent by message.
    this.form.setAttribute("method", "dialog");
    this.form.append(...this.childNodes);
    this.append(this.form);
    if (!this.form.querySelector(SUBMITS)) this.form.append(submitButton());
    if (pageHasButtons()) this.hideUsualButton();
    this.form.append(this.message);
    this.form.submit = () => this.submit();
    this.form.addEventListener("submit", (event) => this.submitting(event), { capture: true });
    for (const kind of [CHANGED, "input", "change"]) this.form.addEventListener(kind, () => this.touched());
    this.form.addEventListener(SETTLED, () => this.tellState());
    this.form.addEventListener("reset", () => setTimeout(() => this.resetParts()));
    listenOnce();
  }

  /** Takes a part that lies around the form. */
  watch(part: Answering): void {
    this.around.push(part);
    part.addEventListener(CHANGED, () => this.touched());
    part.addEventListener(SETTLED, () => this.tellState());
  }

  parts(): Element[] {
    return [...this.around, ...this.form.querySelectorAll("*")];
  }

  answering(): Answering[] {
    return this.parts().filter(isAnswering);
  }

  /** What the person has answered so far. */
  answer(): Answer {
    const answer: Answer = {};
    for (const part of this.parts()) {
      if (isAnswering(part)) part.answerTo(answer);
      else if (isPlain(part)) plainAnswer(part, answer);
      else if (isForeign(part)) foreignAnswer(part, answer);
    }
    return answer;
  }

  restore(draft: Answer): void {
    for (const part of this.parts()) {
      if (isAnswering(part)) part.restore(draft);
      else if (isPlain(part)) plainRestore(part, draft);
    }
    this.tellState();
  }

  /** Sends the answer as it is, as a form's own `submit()` does: no event, no checks. */
  submit(): void {
    if (performance.now() - this.sentAt < AGAIN_MS) return;
    this.sentAt = performance.now();
    clearTimeout(this.draftTimer);
    const whole = this.answer();
    const answer = this.getAttribute("answer-format") === "flatten-objects" ? flattened(whole) : whole;
    tell({ type: "submit", answer });
    if (!inWorkbench()) showAnswer(answer);
  }

  /** As if the button were pressed: checked, and a template's handlers are asked. */
  requestSubmit(): void {
    const button = this.hiddenButton;
    if (button?.isConnected && !button.matches("[disabled], [loading]")) button.click();
    else this.form.requestSubmit();
  }

  /** Only where it is the one way to submit, and says no more than that; all else of a template stays. */
  private hideUsualButton(): void {
    const [button, ...others] = this.form.querySelectorAll<HTMLElement>(SUBMITS);
    if (!button || others.length > 0 || !isUsual(button)) return;
    this.hiddenButton = button;
    button.hidden = true;
    // The room below the tool was the button's.
    document.documentElement.style.setProperty("--recto-tool-height", "calc(100vh - 1rem)");
  }

  private submitting(event: Event): void {
    const missing = this.firstMissing();
    if (missing) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.showMissing(missing.text);
      missing.show();
      this.tellState();
      return;
    }
    this.message.hidden = true;
    // After all handlers of the template, so that they may say no and may fill hidden inputs.
    setTimeout(() => {
      if (!event.defaultPrevented) this.submit();
    });
  }

  private showMissing(text: string): void {
    this.message.textContent = text;
    this.message.hidden = false;
  }

  firstMissing(): { text: string; show: () => void } | null {
    for (const part of this.parts()) {
      if (isAnswering(part)) {
        const text = part.missing?.();
        if (text) return { text, show: () => part.showMissing?.() };
      } else if (isPlain(part) && part.name && !part.checkValidity()) {
        return { text: `${part.name}: ${part.validationMessage}`, show: () => part.focus() };
      } else if (isForeign(part) && part.validate?.() === false) {
        return {
          text: `${part.getAttribute("name") ?? part.localName} is not valid yet`,
          show: () => part.focus(),
        };
      }
    }
    return null;
  }

  private touched(): void {
    this.draftSoon();
    if (this.telling) return;
    // Once a frame is enough while something is dragged.
    this.telling = requestAnimationFrame(() => {
      this.telling = 0;
      this.tellState();
    });
  }

  private draftSoon(): void {
    const pause = Math.max(0, ...this.answering().map((part) => part.draftPause ?? 0));
    if (this.draftTimer && !pause) return;
    clearTimeout(this.draftTimer);
    this.draftTimer = window.setTimeout(() => {
      this.draftTimer = 0;
      this.tellDraft();
    }, pause || DRAFT_MS);
  }

  private tellDraft(): void {
    if (!inWorkbench() || performance.now() - this.sentAt < AGAIN_MS) return;
    const answer = this.answer();
    for (const part of this.answering()) part.draftTo?.(answer);
    tell({ type: "draft", answer });
  }

  tellState(): void {
    const missing = this.firstMissing();
    if (!missing) this.message.hidden = true;
    if (!inWorkbench()) return;
    const parts = this.answering();
    tell({
      type: "state",
      complete: missing === null,
      missing: missing?.text ?? "",
      canUndo: parts.some((part) => part.canUndo),
      canRedo: parts.some((part) => part.canRedo),
    });
  }

  undo(): void {
    if (this.answering().some((part) => part.undo?.())) this.touched();
  }

  redo(): void {
    if (this.answering().some((part) => part.redo?.())) this.touched();
  }

  private resetParts(): void {
    for (const part of this.answering()) part.reset?.();
    this.touched();
  }

  close(): void {
    this.inert = true;
    this.form.hidden = true;
    this.append(h("p", { class: "recto-closed", role: "status" }, "Submitted. Thank you."));
  }
}

function isUsual(button: HTMLElement): boolean {
  const usual = ["form-action", "variant", "class"];
  return (
    button.localName === "crowd-button" &&
    button.textContent.trim().toLowerCase() === "submit" &&
    button.getAttributeNames().every((name) => usual.includes(name))
  );
}

function submitButton(): HTMLElement {
  const button = document.createElement("crowd-button");
  button.setAttribute("form-action", "submit");
  button.setAttribute("variant", "primary");
  button.className = "recto-own";
  button.textContent = "Submit";
  return button;
}

/** Outside the workbench there is nobody to send to: the answer is shown, as a preview does. */
function showAnswer(answer: Answer): void {
  document.querySelector("#recto-preview")?.remove();
  const close = h("button", { type: "button", onclick: () => panel.remove() }, "Close");
  const text = h("pre", { tabindex: "0", "aria-label": "Answer" }, JSON.stringify(answer, null, 2));
  const panel = h(
    "section",
    { id: "recto-preview", "aria-label": "Preview of the answer" },
    "A preview: nothing is sent. The answer would be",
    text,
    close,
  );
  document.body.append(panel);
  close.focus();
}

// --- the page around: one listener for the page's first form ---------------------------------------------

let listening = false;

/** The form that speaks for the page: the first, also inside a tool that has its own. */
export function pageForm(): CrowdForm | null {
  const direct = document.querySelector("crowd-form");
  if (direct instanceof CrowdForm) return direct;
  for (const host of document.querySelectorAll("*")) {
    const inner = host.shadowRoot?.querySelector("crowd-form");
    if (inner instanceof CrowdForm) return inner;
  }
  return null;
}

function listenOnce(): void {
  if (listening) return;
  listening = true;
  listen((message) => {
    const form = pageForm();
    if (!form) return;
    if (message.type === "init" && message.draft && typeof message.draft === "object")
      form.restore(message.draft);
    else if (message.type === "init") form.tellState();
    else if (message.type === "request-submit") form.requestSubmit();
    else if (message.type === "undo") form.undo();
    else if (message.type === "redo") form.redo();
    else if (message.type === "submitted") form.close();
  });
}

// --- button -------------------------------------------------------------------------------------------

export class CrowdButton extends HTMLElement {
  static observedAttributes = ["disabled", "loading", "variant", "aria-label"];
  private readonly button = h("button", { type: "button", part: "button" }, h("slot"));

  constructor() {
    super();
    shadow(this, `${BASE} :host { display: inline-block; }`, this.button);
    this.button.addEventListener("click", (event) => this.pressed(event));
  }

  connectedCallback(): void {
    this.attributeChangedCallback();
  }

  attributeChangedCallback(): void {
    this.button.disabled = this.hasAttribute("disabled") || this.hasAttribute("loading");
    this.button.className = { primary: "primary", link: "link" }[this.getAttribute("variant") ?? ""] ?? "";
    if (this.hasAttribute("aria-label"))
      this.button.setAttribute("aria-label", this.getAttribute("aria-label")!);
  }

  override focus(): void {
    this.button.focus();
  }

  private pressed(event: Event): void {
    // After the template's own handlers of this press, which may say no.
    setTimeout(() => {
      if (event.defaultPrevented) return;
      const action = this.getAttribute("form-action");
      const form = this.form();
      if (action === "submit") form?.form.requestSubmit();
      if (action === "reset") form?.form.reset();
      const href = this.getAttribute("href");
      if (href && /^https?:/i.test(href))
        window.open(href, this.getAttribute("target") ?? "_blank", "noopener");
    });
  }

  private form(): CrowdForm | null {
    const found = this.closest("crowd-form");
    if (found instanceof CrowdForm) return found;
    const root = this.getRootNode();
    return root instanceof ShadowRoot && root.host.closest("crowd-form") instanceof CrowdForm
      ? (root.host.closest("crowd-form") as CrowdForm)
      : pageForm();
  }

  // A hidden button is pressed by scripts.
  override click(): void {
    this.button.click();
  }
}
