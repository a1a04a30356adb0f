import { createApp } from "vue";
import App from "./App.vue";
import { OPEN_PDF } from "../review/viewer/pdf";
import "./style.css";

// PDF.js is loaded only where a PDF is looked at.
createApp(App)
  .provide(OPEN_PDF, async (url) => (await import("./pdf")).openPdf(url))
  .mount("#app");

// Who opens a review waits for its first page: PDF.js comes along with the rest.
if (/^#\/reviews\b/.test(window.location.hash)) void import("./pdf").then(({ warm }) => warm());
