/** One polite and one urgent voice for screen readers; Announcer.vue holds the regions. */
import { ref } from "vue";

export const polite = ref("");
export const urgent = ref("");

export function announce(text: string, isUrgent = false): void {
  const region = isUrgent ? urgent : polite;
  // The same words twice are read twice only when the text changes.
  region.value = region.value === text ? `${text}\u00a0` : text;
}
