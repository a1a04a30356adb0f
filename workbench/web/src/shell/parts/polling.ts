/** Repeat a request while the page is looked at. */
import { onBeforeUnmount, onMounted } from "vue";

export function usePolling(load: () => Promise<void>, everyMs: number): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = () => {
    if (document.visibilityState === "visible") void load();
  };
  onMounted(() => {
    void load();
    timer = setInterval(tick, everyMs);
    document.addEventListener("visibilitychange", tick);
  });
  onBeforeUnmount(() => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
  });
}
