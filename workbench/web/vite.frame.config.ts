// The scripts of a task's frame, each one classic file below /frame-assets/: elements.js, the drop-in crowd
// elements; recto-ocr-annotation.js, our own element alone, to be written into a template for Ground Truth.
import { build, defineConfig, type InlineConfig, type Plugin } from "vite";

const outDir = "../src/recto_workbench/static/frame-assets";

function classic(entry: string, name: string, file: string): InlineConfig["build"] {
  return { outDir, lib: { entry, formats: ["iife"], name, fileName: () => file } };
}

/** Liquid reads a template before the browser does: what it would take for its own may not occur in a script. */
const safeInLiquid: Plugin = {
  name: "safe-in-liquid",
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== "chunk") continue;
      file.code = file.code.replaceAll("{{", "{ {").replaceAll("{%", "{ %");
      const left = /\{\{|\{%|<\/script/i.exec(file.code);
      if (left) this.error(`${file.fileName} contains ${left[0]}, which a template cannot hold`);
    }
  },
};

const alone: Plugin = {
  name: "the-element-alone",
  async closeBundle() {
    await build({
      configFile: false,
      logLevel: "warn",
      publicDir: false,
      plugins: [safeInLiquid],
      build: {
        ...classic("src/frame/standalone.ts", "RectoOcrAnnotation", "recto-ocr-annotation.js"),
        emptyOutDir: false,
      },
    });
  },
};

export default defineConfig({
  plugins: [alone],
  publicDir: false, // the pages' own, not a frame's
  build: { ...classic("src/frame/elements.ts", "RectoElements", "elements.js"), emptyOutDir: true },
});
