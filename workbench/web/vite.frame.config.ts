// The script of a task's frame: the drop-in crowd elements in one classic file, /frame-assets/elements.js.
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    outDir: "../src/recto_workbench/static/frame-assets",
    emptyOutDir: true,
    lib: {
      entry: "src/frame/elements.ts",
      formats: ["iife"],
      name: "RectoElements",
      fileName: () => "elements.js",
    },
  },
});
