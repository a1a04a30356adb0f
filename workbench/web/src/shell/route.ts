/** Which page is shown, kept behind the address's `#`: one file serves them all. */
import { ref } from "vue";

export type Route =
  | { page: "jobs" }
  | { page: "job"; job: string }
  | { page: "work"; job: string }
  | { page: "task"; assignment: string }
  | { page: "reviews" }
  | { page: "review"; review: string }
  | { page: "documents"; status: string; search: string }
  | { page: "document"; document: string }
  | { page: "unknown" };

export function parseRoute(hash: string): Route {
  const [path, query] = halves(hash.replace(/^#/, ""));
  const parts = path.split("/").filter((part) => part !== "");
  const [kind, name, action] = parts.map(decoded);
  if (parts.length === 0) return { page: "jobs" };
  if (kind === "jobs" && name && parts.length === 2) return { page: "job", job: name };
  if (kind === "jobs" && name && action === "work" && parts.length === 3) return { page: "work", job: name };
  if (kind === "tasks" && name && parts.length === 2) return { page: "task", assignment: name };
  if (kind === "reviews" && parts.length === 1) return { page: "reviews" };
  if (kind === "reviews" && name && parts.length === 2) return { page: "review", review: name };
  if (kind === "documents" && parts.length === 1) return { page: "documents", ...narrowed(query) };
  if (kind === "documents" && name && parts.length === 2) return { page: "document", document: name };
  return { page: "unknown" };
}

function halves(told: string): [path: string, query: string] {
  const at = told.indexOf("?");
  return at < 0 ? [told, ""] : [told.slice(0, at), told.slice(at + 1)];
}

function narrowed(query: string): { status: string; search: string } {
  const asked = new URLSearchParams(query);
  return { status: asked.get("status") ?? "", search: asked.get("search") ?? "" };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

export const links = {
  jobs: () => "#/",
  job: (name: string) => `#/jobs/${encodeURIComponent(name)}`,
  work: (name: string) => `#/jobs/${encodeURIComponent(name)}/work`,
  task: (assignment: string) => `#/tasks/${encodeURIComponent(assignment)}`,
  reviews: () => "#/reviews",
  review: (id: string) => `#/reviews/${encodeURIComponent(id)}`,
  documents: (status = "", search = "") => {
    const asked = new URLSearchParams();
    if (status) asked.set("status", status);
    if (search) asked.set("search", search);
    return asked.size ? `#/documents?${asked}` : "#/documents";
  },
  document: (id: string) => `#/documents/${encodeURIComponent(id)}`,
};

export const route = ref<Route>(parseRoute(window.location.hash));

window.addEventListener("hashchange", () => {
  route.value = parseRoute(window.location.hash);
});

export function go(link: string): void {
  window.location.hash = link;
}

/** Name the task at hand in the address, so that a reload comes back to it; nothing is loaded anew. */
export function nameInAddress(link: string): void {
  window.history.replaceState(null, "", link);
}

/** Where to sign in, to come back to where one is. */
export function signInLink(): string {
  const here = `${window.location.pathname}${window.location.search}${window.location.hash}`;
  return `/api/auth/sign-in?next=${encodeURIComponent(here)}`;
}
