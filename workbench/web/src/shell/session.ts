/** Who is signed in, and what that person may do; the API checks it all again. */
import { computed, ref } from "vue";
import { ApiError, api } from "./api";
import type { Me } from "./types";

export const me = ref<Me | null>(null);
/** Set once the API has said 401: the sign-in page, or a dialog over unfinished work. */
export const isSignedOut = ref(false);

export const mayWork = computed(
  () => me.value?.roles.some((role) => role === "annotator" || role === "reviewer") ?? false,
);
export const mayReview = computed(
  () => me.value?.roles.some((role) => role === "reviewer" || role === "operator") ?? false,
);
export const mayOperate = computed(() => me.value?.roles.includes("operator") ?? false);

export async function learnWhoIAm(): Promise<void> {
  try {
    me.value = await api.me();
    isSignedOut.value = false;
  } catch (error) {
    if (!noteSignedOut(error)) throw error;
  }
}

/** Whether the error says that nobody is signed in (any more); remembers it. */
export function noteSignedOut(error: unknown): boolean {
  const is = error instanceof ApiError && error.status === 401;
  if (is) isSignedOut.value = true;
  return is;
}

export async function signOut(): Promise<void> {
  const { location } = await api.signOut();
  const target = new URL(location || "/", window.location.href);
  // The answer is our own server's, but a script's address would run: only pages are opened.
  window.location.assign(/^https?:$/.test(target.protocol) ? target.href : "/");
}
