// How the elements look. One sheet for the shadow root of every tool, one for the small form parts.

export const BASE = `
:host { font: 15px/1.45 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #16191f; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
button, input, textarea, select { font: inherit; color: inherit; }
:focus-visible { outline: 3px solid #0b5cad; outline-offset: 2px; border-radius: 2px; }
button { background: #fff; border: 1px solid #545b64; border-radius: 4px; padding: 4px 10px; cursor: pointer; }
button:hover:not(:disabled) { background: #eef3f9; }
button:disabled { color: #5f6b7a; border-color: #b6bec9; cursor: default; }
button[aria-pressed="true"], button[aria-checked="true"] { background: #dcebfb; border-color: #0b5cad; }
button.primary { background: #0b5cad; border-color: #0b5cad; color: #fff; font-weight: 600; padding: 6px 18px; }
button.primary:hover:not(:disabled) { background: #084785; }
button.primary:disabled { background: #5f6b7a; border-color: #5f6b7a; color: #fff; }
button.link { border: 0; background: none; color: #0b5cad; text-decoration: underline; padding: 2px 4px; }
kbd { font: 12px/1 ui-monospace, Consolas, monospace; border: 1px solid #8d99a8; border-bottom-width: 2px;
  border-radius: 3px; padding: 1px 5px; background: #f7f8fa; color: #16191f; white-space: nowrap; }
.hidden-visually { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.fault { color: #a8071a; }
`;

export const WORKSPACE = `
${BASE}
:host { display: block; height: var(--recto-tool-height, calc(100vh - 4.5rem)); min-height: 24rem; }
.workspace { display: grid; height: 100%; gap: 8px; padding: 8px; background: #f2f3f5;
  grid-template: auto minmax(0, 1fr) auto / minmax(12rem, 18rem) minmax(0, 1fr) minmax(11rem, 15rem); }
@media (max-width: 66rem) { .workspace { grid-template-columns: minmax(9rem, 12rem) minmax(0, 1fr) minmax(9rem, 11rem); } }
@media (min-width: 46.01rem) { .workspace:has(> aside:first-of-type[hidden]) { grid-template-columns: minmax(0, 1fr) minmax(11rem, 15rem); } }
.top { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; }
.top h1 { font-size: 17px; margin: 0; flex: 1 1 16rem; }
.bar { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; }
.bar:empty { display: none; }
aside { overflow: auto; background: #fff; border: 1px solid #d5dbe3; border-radius: 6px; padding: 10px; }
aside h2 { font-size: 14px; margin: 12px 0 6px; } aside h2:first-child { margin-top: 0; }
.centre { position: relative; min-width: 0; min-height: 0; }
.bottom { grid-column: 1 / -1; display: flex; gap: 12px; align-items: center; min-height: 1.6em; }
.bottom .said { flex: 1; }
.stage { position: absolute; inset: 0; overflow: hidden; background: #5a6270; border-radius: 6px; touch-action: none; cursor: crosshair; }
.stage img, .stage .paint { position: absolute; left: 0; top: 0; transform-origin: 0 0; max-width: none; user-select: none; pointer-events: none; }
.stage .paint { opacity: .55; image-rendering: pixelated; }
.stage canvas.over { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.stage .loading { position: absolute; inset: 0; display: grid; place-items: center; background: #f2f3f5; padding: 1rem; text-align: center; }
ul.plain, ol.plain { list-style: none; margin: 0; padding: 0; display: grid; gap: 3px; }
.label { display: flex; gap: 6px; align-items: center; width: 100%; text-align: left; overflow-wrap: anywhere; }
.label .name { flex: 1; min-width: 0; }
.swatch { flex: none; width: 14px; height: 14px; border-radius: 3px; border: 1px solid rgba(0,0,0,.45); }
.box { display: flex; gap: 4px; } .box button:first-child { flex: 1; min-width: 0; }
.suggested { border-style: dashed; }
.guidance { border-left: 4px solid #0b5cad; padding: 2px 8px; margin: 6px 0; background: #f4f8fd; overflow-wrap: anywhere; }
.guidance h4 { margin: 4px 0; } .guidance p { margin: 4px 0; }
.card { border: 2px solid #8d99a8; border-left-width: 8px; border-radius: 4px; padding: 6px 8px; display: grid; gap: 5px; background: #fff; }
.card.selected { background: #f4f8fd; box-shadow: 0 0 0 2px #0b5cad; }
.card .text { font-family: ui-monospace, Consolas, monospace; background: #f2f3f5; border: 1px solid #b6bec9; padding: 3px 6px; overflow-wrap: anywhere; white-space: pre-wrap; min-height: 1.7em; }
.card .choice { display: flex; flex-wrap: wrap; gap: 2px 10px; } .card label { display: inline-flex; gap: 4px; align-items: center; }
.card textarea { width: 100%; border: 1px solid #545b64; border-radius: 3px; padding: 3px 6px; resize: vertical; }
.card .earlier { font-size: 13px; color: #414d5c; overflow-wrap: anywhere; }
details > summary { cursor: pointer; color: #0b5cad; text-decoration: underline; }
dialog { max-width: 44rem; max-height: 90vh; overflow: auto; border: 1px solid #545b64; border-radius: 8px; padding: 16px 20px; }
dialog table { border-collapse: collapse; } dialog td { padding: 3px 10px 3px 0; vertical-align: top; }
.text-scroll { position: absolute; inset: 0; overflow: auto; background: #fff; border: 1px solid #d5dbe3; border-radius: 6px; padding: 14px 18px; }
aside crowd-form > form { display: grid; gap: 6px; margin-top: 10px; } aside crowd-form > form > .recto-own { order: 9; }
.categories { display: grid; gap: 4px; }
.categories label { display: flex; gap: 8px; align-items: center; border: 1px solid #b6bec9; border-radius: 4px; padding: 5px 8px; cursor: pointer; overflow-wrap: anywhere; }
.categories label:has(:checked) { background: #dcebfb; border-color: #0b5cad; }
.target { height: 100%; overflow: auto; background: #fff; padding: 12px; border-radius: 6px; }
@media (max-width: 46rem) { .workspace { grid-template: auto auto minmax(20rem, 60vh) auto auto / 1fr; } :host { height: auto; } .centre { min-height: 20rem; } }
`;
