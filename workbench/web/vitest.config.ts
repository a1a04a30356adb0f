// The tests that need no browser: src/**/*.test.ts.
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [vue()],
  // One window for all files: making one takes longer than most tests.
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"], isolate: false, maxWorkers: 1 },
});
