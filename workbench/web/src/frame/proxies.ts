// The answer as AWS's own crowd-form collects it: it takes the value of elements named object-value-input (and
// asks their validate()), and of plain hidden inputs. They lie, unseen, inside our element.
import type { Answer } from "./answering";
import { h } from "./dom";

export class ObjectValueInput extends HTMLElement {
  static formAssociated = true;
  value: unknown = null;
  /** Set by the element whose answer this is. */
  check: () => boolean = () => true;

  get name(): string {
    return this.getAttribute("name") ?? "";
  }

  validate(): boolean {
    return this.check();
  }
}

/** Makes, changes and removes the inputs so that they are the answer, name for name. */
export function proxyAnswer(
  owner: HTMLElement & { missing(): string | null; showMissing(): void },
  answer: Answer,
): void {
  let store = owner.querySelector<HTMLElement>(":scope > .recto-answer");
  if (!store) owner.append((store = h("div", { class: "recto-answer", hidden: true, slot: "answer" })));
  const there = new Map(Array.from(store.children, (child) => [child.getAttribute("name") ?? "", child]));
  for (const [name, child] of there) if (!(name in answer)) child.remove();
  for (const [name, value] of Object.entries(answer)) {
    const input = there.get(name) ?? made(store, name, value, owner);
    if (input instanceof HTMLInputElement) input.value = String(value);
    else (input as ObjectValueInput).value = value;
  }
}

function made(
  store: HTMLElement,
  name: string,
  value: unknown,
  owner: { missing(): string | null; showMissing(): void },
): Element {
  const input =
    typeof value === "string" ? h("input", { type: "hidden" }) : document.createElement("object-value-input");
  input.setAttribute("name", name);
  if (input instanceof ObjectValueInput) {
    input.check = () => {
      if (!owner.missing()) return true;
      owner.showMissing();
      return false;
    };
  }
  store.append(input);
  return input;
}
