// The pages of the workbench itself: an application with hashed assets below /assets/.
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue()],
  build: { outDir: "../src/recto_workbench/static", emptyOutDir: true, assetsInlineLimit: 0 },
});
