// The small parts of a form: text, choices, switches, sliders. Answers as AWS's elements give them.
import { addFlag, changed, flagOf, type Answer, type Answering } from "./answering";
import { h, shadow } from "./dom";
import { BASE } from "./style";

const CSS = `${BASE}
:host { display: inline-block; margin: 4px 0; max-width: 100%; }
label { display: inline-flex; gap: 6px; align-items: center; }
.stack { display: grid; gap: 2px; }
input[type="text"], input:not([type]), textarea, .entry { width: 100%; border: 1px solid #545b64; border-radius: 4px; padding: 5px 8px; background: #fff; }
input[type="checkbox"], input[type="radio"] { width: 18px; height: 18px; }
.fault { font-size: 13px; min-height: 0; }
`;

/** A property that was set before the element was known takes effect. */
function adopt(element: HTMLElement, name: string): void {
  if (!Object.hasOwn(element, name)) return;
  const own = element as unknown as Record<string, unknown>;
  const value = own[name];
  delete own[name];
  own[name] = value;
}

abstract class Part extends HTMLElement implements Answering {
  abstract answerTo(answer: Answer): void;
  abstract restore(answer: Answer): void;

  get name(): string {
    return this.getAttribute("name") ?? "";
  }
  set name(value: string) {
    this.setAttribute("name", value);
  }
  get disabled(): boolean {
    return this.hasAttribute("disabled");
  }
  set disabled(on: boolean) {
    this.toggleAttribute("disabled", on);
  }
  get required(): boolean {
    return this.hasAttribute("required") && !this.disabled;
  }
  /** What the person calls it. */
  get called(): string {
    return this.getAttribute("label") ?? this.textContent?.trim() ?? this.name;
  }
}

// --- text ---------------------------------------------------------------------------------------------

abstract class TextPart extends Part {
  static observedAttributes = [
    "value",
    "disabled",
    "label",
    "placeholder",
    "type",
    "max-length",
    "min-length",
    "rows",
    "required",
  ];
  protected abstract readonly entry: HTMLInputElement | HTMLTextAreaElement;
  private readonly caption = h("span");
  private readonly fault = h("span", { class: "fault", role: "alert" });
  private touched = false;

  protected build(): void {
    this.entry.className = "entry";
    shadow(
      this,
      `${CSS} :host { display: block; }`,
      h("label", { class: "stack" }, this.caption, this.entry),
      this.fault,
    );
    this.entry.addEventListener("input", () => this.typed());
    this.entry.addEventListener("change", () => this.dispatchEvent(new Event("change", { bubbles: true })));
  }

  connectedCallback(): void {
    this.attributeChangedCallback("label");
    adopt(this, "value");
    if (this.getAttribute("auto-focus") !== null && this.getAttribute("auto-focus") !== "false")
      this.entry.focus();
  }

  attributeChangedCallback(name: string): void {
    if (!this.shadowRoot) return;
    const label = this.getAttribute("label") ?? "";
    this.caption.textContent = label;
    this.caption.hidden = !label;
    if (!label)
      this.entry.setAttribute(
        "aria-label",
        this.getAttribute("aria-label") ?? this.getAttribute("placeholder") ?? this.name,
      );
    else this.entry.removeAttribute("aria-label");
    this.entry.placeholder = this.getAttribute("placeholder") ?? "";
    this.entry.disabled = this.disabled;
    const most = Number(this.getAttribute("max-length"));
    if (most > 0) this.entry.maxLength = most;
    if (name === "value" && this.getAttribute("value") !== this.entry.value)
      this.entry.value = this.getAttribute("value") ?? "";
    if (!this.touched && !this.entry.value) this.entry.value = this.getAttribute("value") ?? "";
    this.entry.setAttribute("aria-required", String(this.required));
    this.shaped();
  }

  protected shaped(): void {}

  private typed(): void {
    this.touched = true;
    const pattern = this.getAttribute("allowed-pattern");
    if (pattern && this.hasAttribute("auto-validate")) this.entry.value = this.keptBy(pattern);
    this.fault.textContent = "";
    changed(this);
  }

  private keptBy(pattern: string): string {
    try {
      const allowed = new RegExp(`^(?:${pattern})$`, "u");
      return [...this.entry.value].filter((char) => allowed.test(char)).join("");
    } catch {
      return this.entry.value;
    }
  }

  get value(): string {
    return this.entry.value;
  }
  set value(text: string) {
    this.touched = true;
    this.entry.value = text ?? "";
    changed(this);
  }

  override focus(): void {
    this.entry.focus();
  }

  answerTo(answer: Answer): void {
    if (this.name && !this.disabled && this.entry.value !== "") answer[this.name] = this.entry.value;
  }

  restore(answer: Answer): void {
    const value = answer[this.name];
    if (!this.name) return;
    this.touched = true;
    this.entry.value = typeof value === "string" ? value : "";
  }

  reset(): void {
    this.entry.value = this.getAttribute("value") ?? "";
  }

  missing(): string | null {
    const name = this.called || this.getAttribute("placeholder") || this.name;
    if (this.required && this.entry.value.trim() === "")
      return this.getAttribute("error-message") ?? `${name} is required`;
    const least = Number(this.getAttribute("min-length"));
    if (!this.disabled && this.entry.value && least > this.entry.value.length)
      return `${name}: at least ${least} characters`;
    return null;
  }

  showMissing(): void {
    this.fault.textContent = this.missing() ?? "";
    this.entry.focus();
  }
}

export class CrowdInput extends TextPart {
  protected readonly entry = h("input", { type: "text" });
  constructor() {
    super();
    this.build();
  }
  protected override shaped(): void {
    const type = this.getAttribute("type") ?? "text";
    this.entry.type =
      /^(text|number|email|url|tel|date|time|search|password|datetime-local|month|week|color)$/.test(type)
        ? type
        : "text";
  }
}

export class CrowdTextArea extends TextPart {
  protected readonly entry = h("textarea");
  constructor() {
    super();
    this.build();
  }
  protected override shaped(): void {
    this.entry.rows = Number(this.getAttribute("rows")) || 3;
  }
}

// --- on and off ---------------------------------------------------------------------------------------

abstract class FlagPart extends Part {
  static observedAttributes = ["checked", "disabled", "aria-label"];
  protected readonly input = h("input");

  protected build(type: "checkbox" | "radio", role?: string): void {
    this.input.type = type;
    if (role) this.input.setAttribute("role", role);
    shadow(this, CSS, h("label", {}, this.input, h("span", {}, h("slot"))));
    this.input.addEventListener("change", () => {
      this.checked = this.input.checked;
      this.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  connectedCallback(): void {
    this.attributeChangedCallback();
    adopt(this, "checked");
  }

  attributeChangedCallback(): void {
    this.input.checked = this.checked;
    this.input.disabled = this.disabled;
    const label =
      this.getAttribute("aria-label") ??
      (this.textContent?.trim() ? null : (this.getAttribute("label") ?? this.name));
    if (label) this.input.setAttribute("aria-label", label);
  }

  get checked(): boolean {
    return this.hasAttribute("checked") && this.getAttribute("checked") !== "false";
  }
  set checked(on: boolean) {
    const before = this.checked;
    if (on) this.setAttribute("checked", "");
    else this.removeAttribute("checked");
    if (before !== on) changed(this);
  }

  get value(): string {
    return this.getAttribute("value") ?? "on";
  }
  set value(value: string) {
    this.setAttribute("value", value);
  }

  override focus(): void {
    this.input.focus();
  }

  answerTo(answer: Answer): void {
    if (this.name && !this.disabled) addFlag(answer, this.name, this.value, this.checked);
  }

  restore(answer: Answer): void {
    this.checked = flagOf(answer, this.name, this.value) ?? this.checked;
  }

  missing(): string | null {
    return this.required && !this.checked ? `${this.called || this.name} must be chosen` : null;
  }

  showMissing(): void {
    this.input.focus();
  }
}

export class CrowdCheckbox extends FlagPart {
  constructor() {
    super();
    this.build("checkbox");
  }
}

export class CrowdToggleButton extends FlagPart {
  constructor() {
    super();
    this.build("checkbox", "switch");
  }
}

export class CrowdRadioButton extends FlagPart {
  constructor() {
    super();
    this.build("radio");
    this.input.addEventListener("keydown", (event) => this.arrow(event));
  }

  override set checked(on: boolean) {
    super.checked = on;
    if (on) for (const other of this.others()) other.checked = false;
  }
  override get checked(): boolean {
    return super.checked;
  }

  private others(): CrowdRadioButton[] {
    const group = this.closest("crowd-radio-group");
    return [...(group?.querySelectorAll("crowd-radio-button") ?? [])].filter(
      (other): other is CrowdRadioButton => other instanceof CrowdRadioButton && other !== this,
    );
  }

  /** Arrows go through the group, as through plain radio buttons. */
  private arrow(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const all = [...(this.closest("crowd-radio-group")?.querySelectorAll("crowd-radio-button") ?? [])];
    if (!by || all.length < 2) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[(all.indexOf(this) + by + all.length) % all.length] as CrowdRadioButton;
    next.checked = true;
    next.focus();
  }
}

export class CrowdRadioGroup extends HTMLElement implements Answering {
  connectedCallback(): void {
    if (!this.hasAttribute("role")) this.setAttribute("role", "radiogroup");
    const checked = [...this.querySelectorAll("crowd-radio-button[checked]")];
    for (const extra of checked.slice(0, -1)) extra.removeAttribute("checked");
  }

  // The buttons answer for themselves.
  answerTo(): void {}
  restore(): void {}

  /** `required` is ours: AWS's group has no such attribute. */
  missing(): string | null {
    if (!this.hasAttribute("required") || this.querySelector("crowd-radio-button[checked]")) return null;
    const named = this.getAttribute("aria-label") ?? this.labelText() ?? "a choice";
    return /[?!.:]$/.test(named) ? `${named} Choose one` : `${named}: choose one`;
  }

  private labelText(): string | null {
    const id = this.getAttribute("aria-labelledby");
    const root = this.getRootNode() as Document | ShadowRoot;
    return (id && root.getElementById(id)?.textContent?.trim()) || null;
  }

  showMissing(): void {
    this.querySelector<HTMLElement>("crowd-radio-button")?.focus();
  }
}

// --- slider -------------------------------------------------------------------------------------------

export class CrowdSlider extends Part {
  static observedAttributes = ["min", "max", "step", "value", "disabled"];
  private readonly input = h("input", { type: "range" });
  private readonly shown = h("output");
  private touched = false;

  constructor() {
    super();
    shadow(
      this,
      `${CSS} :host { display: block; } label { width: 100%; } input { flex: 1; }`,
      h("label", {}, this.input, this.shown),
    );
    this.input.addEventListener("input", () => {
      this.touched = true;
      this.show();
      changed(this);
    });
  }

  connectedCallback(): void {
    this.attributeChangedCallback();
    adopt(this, "value");
  }

  attributeChangedCallback(): void {
    for (const name of ["min", "max", "step"]) {
      const value = this.getAttribute(name);
      if (value !== null) this.input.setAttribute(name, value);
    }
    if (!this.touched) this.input.value = this.getAttribute("value") ?? this.input.min;
    this.input.disabled = this.disabled;
    this.input.setAttribute(
      "aria-label",
      this.getAttribute("label") ?? this.getAttribute("aria-label") ?? this.name,
    );
    this.show();
  }

  private show(): void {
    this.shown.textContent = this.input.value;
  }

  get value(): number {
    return Number(this.input.value);
  }
  set value(value: number) {
    this.touched = true;
    this.input.value = String(value);
    this.show();
    changed(this);
  }

  override focus(): void {
    this.input.focus();
  }

  answerTo(answer: Answer): void {
    if (this.name && !this.disabled) answer[this.name] = this.value;
  }

  restore(answer: Answer): void {
    const value = answer[this.name];
    if (typeof value === "number") this.value = value;
  }
}
