// What the page of a task looks like outside the elements' own roots. Weak selectors: a template's style wins.
export const DOCUMENT_STYLE = `
:where(body) { margin: 0; font: 15px/1.45 system-ui, "Segoe UI", Arial, sans-serif; color: #16191f; background: #f2f3f5; }
:where(crowd-form) { display: block; }
:where(crowd-form > form) { padding: 0 8px 8px; }
:where(short-instructions, full-instructions, detailed-instructions, short-summary, classification-target, worker-comment) { display: block; overflow-wrap: anywhere; }
.recto-missing { color: #a8071a; font-weight: 600; margin: 6px 0; }
.recto-closed { padding: 2rem; text-align: center; font-size: 18px; }
.recto-unknown { color: #a8071a; border: 2px solid #a8071a; border-radius: 4px; padding: 8px; background: #fff; }
.recto-text { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 15px; line-height: 1.7; max-width: 52rem; }
.recto-text:focus-visible { outline: 3px solid #0b5cad; outline-offset: 4px; }
.recto-span { background: color-mix(in srgb, var(--colour) 22%, #fff); color: #16191f; border-bottom: 3px solid var(--colour); border-radius: 2px; cursor: pointer; }
.recto-span[data-tag]::after { content: attr(data-tag); background: var(--colour); color: var(--ink); font-size: 11px; border-radius: 3px; padding: 1px 4px; margin-left: 2px; vertical-align: 2px; }
.recto-several { border-bottom-style: double; border-bottom-width: 5px; }
.recto-chosen { outline: 2px solid #16191f; }
.recto-current { outline: 1px dashed #16191f; }
.recto-cursor { background: #ffe08a; outline: 1px solid #7a4b00; }
#recto-preview { margin: 8px; padding: 10px; background: #fff; border: 2px solid #0b5cad; border-radius: 6px; }
#recto-preview pre { max-height: 40vh; overflow: auto; }
`;

export function addDocumentStyle(): void {
  const style = document.createElement("style");
  style.textContent = DOCUMENT_STYLE;
  document.head.prepend(style);
}
