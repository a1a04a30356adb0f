// The variant of recto-ocr-annotation that is written into a template for Ground Truth itself: the form around it
// is AWS's, so the answer lies for it in inputs inside our element. Beside our own elements.js it does nothing.
import { RectoOcrAnnotation } from "./ocr";
import { ObjectValueInput } from "./proxies";

function start(): void {
  if (customElements.get("recto-ocr-annotation")) return;
  RectoOcrAnnotation.proxies = true;
  if (!customElements.get("object-value-input"))
    customElements.define("object-value-input", ObjectValueInput);
  customElements.define("recto-ocr-annotation", RectoOcrAnnotation);
}

// After our own elements.js, where there is one; AWS's may come before or after.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
