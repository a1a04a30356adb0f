// The pages of the workbench itself: an application with hashed assets below /assets/.
import { cpSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

const packages = resolve(import.meta.dirname, "node_modules");
const pdfjs = JSON.parse(readFileSync(`${packages}/pdfjs-dist/package.json`, "utf-8")).version;
// What PDF.js fetches by name when a document needs it: character maps, standard fonts, decoders.
const PDFJS_FOLDERS = ["cmaps", "standard_fonts", "wasm", "iccs"];

/** Copies PDF.js's files below assets/, and empties assets/ alone: frame-assets/ is another build's. */
function pdfjsFiles(): Plugin {
  let assets = "";
  return {
    name: "recto-pdfjs-files",
    apply: "build",
    configResolved(config) {
      assets = resolve(config.root, config.build.outDir, "assets");
    },
    buildStart() {
      rmSync(assets, { recursive: true, force: true });
    },
    writeBundle() {
      for (const folder of PDFJS_FOLDERS)
        cpSync(`${packages}/pdfjs-dist/${folder}`, `${assets}/pdfjs-${pdfjs}/${folder}`, { recursive: true });
    },
  };
}

export default defineConfig({
  plugins: [vue(), pdfjsFiles()],
  define: { __PDFJS_FILES__: JSON.stringify(`/assets/pdfjs-${pdfjs}/`) },
  worker: { format: "es" },
  build: {
    outDir: "../src/recto_workbench/static",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1600, // PDF.js's worker, loaded only beside a PDF
  },
});
