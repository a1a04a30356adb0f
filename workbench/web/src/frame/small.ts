// Parts without an answer: instructions, cards, tabs, messages, icons.
import { h, shadow } from "./dom";
import { BASE } from "./style";

/** Shows its content in a frame; the common shape of cards, alerts and badges. */
abstract class Framed extends HTMLElement {
  protected frame(css: string, ...children: Node[]): void {
    if (!this.shadowRoot) shadow(this, `${BASE} ${css}`, ...children);
  }
}

export class CrowdCard extends Framed {
  connectedCallback(): void {
    const heading = this.getAttribute("heading");
    const image = this.getAttribute("image");
    this.frame(
      ":host { display: block; border: 1px solid #b6bec9; border-radius: 6px; padding: 10px; background: #fff; } img { max-width: 100%; }",
      ...(heading ? [h("h2", {}, heading)] : []),
      ...(image ? [h("img", { src: image, alt: heading ?? "" })] : []),
      h("slot"),
    );
  }
}

export class CrowdAlert extends Framed {
  connectedCallback(): void {
    const type = this.getAttribute("type") ?? "info";
    const colour = { error: "#a8071a", warning: "#7a4b00", success: "#1a6b2b" }[type] ?? "#0b5cad";
    this.setAttribute("role", type === "error" ? "alert" : "status");
    const close = h(
      "button",
      { type: "button", "aria-label": "Dismiss", onclick: () => (this.hidden = true) },
      "×",
    );
    this.frame(
      `:host { display: flex; gap: 8px; border: 1px solid ${colour}; border-left-width: 6px; border-radius: 4px; padding: 8px 10px; background: #fff; margin: 4px 0; } .body { flex: 1; }`,
      h("div", { class: "body" }, h("slot")),
      ...(this.hasAttribute("dismissible") ? [close] : []),
    );
  }
}

export class CrowdBadge extends Framed {
  connectedCallback(): void {
    this.frame(
      ":host { display: inline-block; border-radius: 10px; background: #0b5cad; color: #fff; padding: 0 8px; font-size: 13px; }",
      document.createTextNode(this.getAttribute("label") ?? ""),
      h("slot"),
    );
  }
}

/** Names of icons that templates use, as signs that every font has; others are shown as nothing. */
const SIGNS: Record<string, string> = {
  search: "⌕", close: "×", check: "✓", add: "+", remove: "−", delete: "✕", help: "?", info: "i", warning: "!", refresh: "↻", undo: "↶", redo: "↷",
  "arrow-back": "←", "arrow-forward": "→", menu: "☰", settings: "⚙", star: "★", edit: "✎", "question-answer": "?",
}; // prettier-ignore

export class CrowdIcon extends Framed {
  connectedCallback(): void {
    this.setAttribute("aria-hidden", "true");
    this.frame(
      ":host { display: inline-block; }",
      document.createTextNode(SIGNS[this.getAttribute("icon") ?? ""] ?? ""),
    );
  }
}

export class CrowdIconButton extends Framed {
  connectedCallback(): void {
    const icon = this.getAttribute("icon") ?? "";
    const button = h(
      "button",
      { type: "button", "aria-label": this.getAttribute("aria-label") ?? icon },
      SIGNS[icon] ?? icon,
      h("slot"),
    );
    button.disabled = this.hasAttribute("disabled");
    this.frame(":host { display: inline-block; }", button);
  }
}

export class CrowdFab extends Framed {
  connectedCallback(): void {
    const label = this.getAttribute("label") ?? "";
    const icon = this.getAttribute("icon") ?? "";
    const button = h(
      "button",
      { type: "button", class: "primary", "aria-label": this.getAttribute("title") ?? (label || icon) },
      label || SIGNS[icon] || icon,
    );
    button.disabled = this.hasAttribute("disabled");
    this.frame(":host { position: fixed; right: 16px; bottom: 16px; z-index: 5; }", button);
  }
}

/** Shown for some seconds after `open()`. */
export class CrowdToast extends Framed {
  connectedCallback(): void {
    this.setAttribute("role", "status");
    this.hidden = !this.hasAttribute("opened");
    this.frame(
      ":host { position: fixed; left: 16px; bottom: 16px; z-index: 9; background: #fff; }",
      h("slot"),
    );
  }
  open(): void {
    this.hidden = false;
    const time = Number(this.getAttribute("duration") ?? 10000);
    if (time > 0) setTimeout(() => (this.hidden = true), time);
  }
  close(): void {
    this.hidden = true;
  }
}

export class CrowdModal extends Framed {
  private readonly dialog = h("dialog");
  connectedCallback(): void {
    const label = this.getAttribute("link-text") ?? "Open";
    const open = h(
      "button",
      {
        type: "button",
        class: this.getAttribute("link-type") === "button" ? "" : "link",
        onclick: () => this.open(),
      },
      label,
    );
    const close = h("button", { type: "button", onclick: () => this.close() }, "Close");
    this.dialog.setAttribute("aria-label", label);
    if (!this.dialog.childElementCount) this.dialog.append(h("slot"), close);
    this.frame(":host { display: inline-block; }", open, this.dialog);
  }
  open(): void {
    this.dialog.showModal();
  }
  close(): void {
    this.dialog.close();
  }
}

const SECTIONS = ["short-summary", "detailed-instructions", "positive-example", "negative-example"];

export class CrowdInstructions extends Framed {
  connectedCallback(): void {
    for (const child of this.children)
      if (SECTIONS.includes(child.localName)) child.setAttribute("slot", child.localName);
    const text = this.getAttribute("link-text") ?? "Instructions";
    const summary = this.querySelector("short-summary");
    this.frame(
      ":host { display: block; margin: 6px 0; } details > summary { margin: 6px 0; }",
      ...(summary ? [h("slot", { name: "short-summary" })] : []),
      h(
        "details",
        {},
        h("summary", {}, text),
        h("slot", { name: "detailed-instructions" }),
        this.querySelector("positive-example") && h("h2", {}, "Good"),
        h("slot", { name: "positive-example" }),
        this.querySelector("negative-example") && h("h2", {}, "Not good"),
        h("slot", { name: "negative-example" }),
        h("slot"),
      ),
    );
  }
}

export class CrowdTabs extends Framed {
  connectedCallback(): void {
    const tabs = [...this.children].filter((child) => child.localName === "crowd-tab") as HTMLElement[];
    const bar = h("div", { role: "tablist" });
    const show = (chosen: number, focus = false): void => {
      tabs.forEach((tab, at) => (tab.hidden = at !== chosen));
      [...bar.children].forEach((button, at) => {
        button.setAttribute("aria-selected", String(at === chosen));
        button.setAttribute("tabindex", at === chosen ? "0" : "-1");
      });
      if (focus) (bar.children[chosen] as HTMLElement).focus();
    };
    tabs.forEach((tab, at) => {
      tab.setAttribute("role", "tabpanel");
      tab.setAttribute("aria-label", tab.getAttribute("header") ?? `Part ${at + 1}`);
      const button = h(
        "button",
        { type: "button", role: "tab", onclick: () => show(at) },
        tab.getAttribute("header") ?? `Part ${at + 1}`,
      );
      button.addEventListener("keydown", (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (by) show((at + by + tabs.length) % tabs.length, true);
      });
      bar.append(button);
    });
    this.frame(
      ':host { display: block; } [role="tab"][aria-selected="true"] { background: #dcebfb; border-color: #0b5cad; }',
      bar,
      h("slot"),
    );
    if (tabs.length) show(0);
  }
}

/** An element that Recto does not have: said plainly to the person, and told to the page around. */
export function markUnknown(element: Element): string {
  const message = `This task uses <${element.localName}>, which this page cannot show.`;
  element.prepend(
    h("p", { role: "alert", class: "recto-unknown" }, `${message} Skip it and say so, please.`),
  );
  return message;
}
