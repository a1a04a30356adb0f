// The review page for Amazon A2I in one file, workbench/templates/review.liquid.html: its script is packed
// (gzip, base64), since a task template has 128,000 characters at most, and since Liquid, which reads the
// template first, finds nothing of its own in it. PDF.js is too large for that: it becomes review-pdf.js, which
// who sets up A2I puts into a bucket.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import { build, defineConfig, type InlineConfig, type Plugin } from "vite";

const here = import.meta.dirname;
const FRAME_ASSETS = resolve(here, "../src/recto_workbench/static/frame-assets");
const TEMPLATE = resolve(here, "review.template.html");
const MADE = process.env.RECTO_REVIEW_TEMPLATE ?? resolve(here, "../templates/review.liquid.html");
const MOST = 128_000; // UiTemplate.Content of CreateHumanTaskUi

function oneScript(entry: string, file: string): InlineConfig["build"] {
  return {
    outDir: process.env.RECTO_REVIEW_ASSETS ?? FRAME_ASSETS,
    emptyOutDir: false,
    cssCodeSplit: false,
    lib: { entry, formats: ["iife"], name: "RectoReview", fileName: () => file },
  };
}

/** Writes the template instead of the script: script and styles packed into it. */
const packedIntoTemplate: Plugin = {
  name: "packed-into-template",
  enforce: "post",
  generateBundle(_, bundle) {
    let script = "";
    let style = "";
    for (const [name, file] of Object.entries(bundle)) {
      if (file.type === "chunk") script += file.code;
      else if (name.endsWith(".css")) style += String(file.source);
      delete bundle[name];
    }
    const styled = `document.head.append(Object.assign(document.createElement("style"),{textContent:${JSON.stringify(style)}}));`;
    const packed = gzipSync(styled + script, { level: 9 }).toString("base64");
    const made = readFileSync(TEMPLATE, "utf-8").replace("[[packed]]", () => packed);
    if (made.length > MOST) this.error(`the template has ${made.length} characters, ${MOST} are allowed`);
    writeFileSync(MADE, made);
  },
};

const defined = {
  "process.env.NODE_ENV": '"production"',
  __VUE_OPTIONS_API__: "false",
  __VUE_PROD_DEVTOOLS__: "false",
  __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
};

/** PDF.js's decoders as text; vite would take a .wasm for a module to be started. */
const decodersAsText: Plugin = {
  name: "decoders-as-text",
  enforce: "pre",
  resolveId: (id) => (id.endsWith(".wasm?inline") ? `\0${id}` : undefined),
  load(id) {
    if (!id.startsWith("\0") || !id.endsWith(".wasm?inline")) return undefined;
    const file = resolve(here, "node_modules", id.slice(1).replace("?inline", ""));
    return `export default "data:application/wasm;base64,${readFileSync(file).toString("base64")}"`;
  },
};

/** PDF.js with its worker and decoders as text, for a page that has no server of its own. */
const pdfScript: Plugin = {
  name: "pdf-script",
  async closeBundle() {
    await build({
      configFile: false,
      logLevel: "error", // PDF.js has a branch for Node.js, of which a classic script makes nothing
      publicDir: false,
      define: defined,
      plugins: [decodersAsText],
      build: {
        ...oneScript("src/review/embedded/pdf-script.ts", "review-pdf.js"),
        chunkSizeWarningLimit: 4000,
      },
    });
  },
};

export default defineConfig({
  plugins: [vue(), packedIntoTemplate, pdfScript],
  publicDir: false,
  define: defined,
  build: oneScript("src/review/embedded/main.ts", "review.js"),
});
