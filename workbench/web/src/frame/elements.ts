// The drop-in crowd elements: one classic script, loaded by a task's frame. Elements become alive when the page is
// read to its end, so that each finds its children; then `all-crowd-elements-ready` is told, as AWS's script does.
import { CrowdBoundingBox } from "./bounding-box";
import {
  CrowdClassifier,
  CrowdClassifierMultiSelect,
  CrowdImageClassifier,
  CrowdImageClassifierMultiSelect,
} from "./classifier";
import { addDocumentStyle } from "./document-style";
import { isTyping } from "./dom";
import { CrowdEntityAnnotation } from "./entity";
import {
  CrowdCheckbox,
  CrowdInput,
  CrowdRadioButton,
  CrowdRadioGroup,
  CrowdSlider,
  CrowdTextArea,
  CrowdToggleButton,
} from "./fields";
import { CrowdButton, CrowdForm, pageForm } from "./form";
import { reportErrors, tell } from "./link";
import { RectoOcrAnnotation } from "./ocr";
import { CrowdKeypoint, CrowdPolygon, CrowdPolyline } from "./points";
import { CrowdSemanticSegmentation } from "./segmentation";
import {
  CrowdAlert,
  CrowdBadge,
  CrowdCard,
  CrowdFab,
  CrowdIcon,
  CrowdIconButton,
  CrowdInstructions,
  CrowdModal,
  CrowdTabs,
  CrowdToast,
  markUnknown,
} from "./small";
import { Tool } from "./workspace";

/** Forms first: they move their children, which must not be alive then. */
const ELEMENTS: [string, CustomElementConstructor][] = [
  ["crowd-form", CrowdForm],
  ["crowd-button", CrowdButton],
  ["crowd-input", CrowdInput],
  ["crowd-text-area", CrowdTextArea],
  ["crowd-checkbox", CrowdCheckbox],
  ["crowd-radio-group", CrowdRadioGroup],
  ["crowd-radio-button", CrowdRadioButton],
  ["crowd-toggle-button", CrowdToggleButton],
  ["crowd-slider", CrowdSlider],
  ["crowd-card", CrowdCard],
  ["crowd-alert", CrowdAlert],
  ["crowd-badge", CrowdBadge],
  ["crowd-icon", CrowdIcon],
  ["crowd-icon-button", CrowdIconButton],
  ["crowd-fab", CrowdFab],
  ["crowd-toast", CrowdToast],
  ["crowd-modal", CrowdModal],
  ["crowd-instructions", CrowdInstructions],
  ["crowd-tabs", CrowdTabs],
  ["crowd-tab", class extends HTMLElement {}],
  ["crowd-bounding-box", CrowdBoundingBox],
  ["crowd-image-classifier", CrowdImageClassifier],
  ["crowd-image-classifier-multi-select", CrowdImageClassifierMultiSelect],
  ["crowd-classifier", CrowdClassifier],
  ["crowd-classifier-multi-select", CrowdClassifierMultiSelect],
  ["crowd-polygon", CrowdPolygon],
  ["crowd-polyline", CrowdPolyline],
  ["crowd-keypoint", CrowdKeypoint],
  ["crowd-semantic-segmentation", CrowdSemanticSegmentation],
  ["crowd-entity-annotation", CrowdEntityAnnotation],
  ["recto-ocr-annotation", RectoOcrAnnotation],
];

function start(): void {
  addDocumentStyle();
  for (const [name, made] of ELEMENTS) if (!customElements.get(name)) customElements.define(name, made);
  for (const element of document.querySelectorAll("*")) {
    if (!element.localName.startsWith("crowd-") || customElements.get(element.localName)) continue;
    tell({ type: "error", message: markUnknown(element) });
  }
  document.dispatchEvent(new CustomEvent("all-crowd-elements-ready"));
  tell({ type: "ready", keys: keysOfPage() });
  pageForm()?.tellState();
}

/** The keys of the page's tool, if it has one. */
function keysOfPage(): { key: string; does: string }[] {
  const tool = [...document.querySelectorAll("*")].find((element) => element instanceof Tool);
  return tool instanceof Tool ? tool.keys().map(([key, does]) => ({ key, does })) : [];
}

/** Keys that no part of the page has used: submit, and those of the page around. */
function pageKey(event: KeyboardEvent): void {
  if (event.defaultPrevented) return;
  const typing = isTyping(event.composedPath()[0] ?? null);
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") pageForm()?.requestSubmit();
  else if (event.altKey && event.shiftKey && /^Key[A-Z]$/.test(event.code))
    tell({ type: "key", key: `Alt+Shift+${event.code.slice(3)}` });
  else if (event.key === "Escape" || (event.key === "?" && !typing)) tell({ type: "key", key: event.key });
  else return;
  event.preventDefault();
}

reportErrors();
window.addEventListener("keydown", pageKey);
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
