/** How much time a task has left, by the server's clock. */

/** Milliseconds since 1970 of what the API calls a time, or null where there is none. */
export function instantOf(time: string | number | null): number | null {
  if (time === null || time === "") return null;
  if (typeof time === "number") return time < 1e11 ? time * 1000 : time;
  const parsed = Date.parse(time);
  return Number.isNaN(parsed) ? null : parsed;
}

export type Urgency = "calm" | "soon" | "now" | "over";

const MINUTE = 60_000;

/** `soon` in the last five minutes or fifth of the time, whichever is shorter; `now` in the last minute. */
export function urgencyOf(left: number, limitSeconds: number): Urgency {
  if (left <= 0) return "over";
  const soon = Math.min(5 * MINUTE, limitSeconds * 200);
  const now = Math.min(MINUTE, limitSeconds * 50);
  if (left <= now) return "now";
  return left <= soon ? "soon" : "calm";
}

/** The time left as people say it: days and hours, hours and minutes, minutes and seconds. */
export function spoken(left: number): string {
  const seconds = Math.max(0, Math.ceil(left / 1000));
  const units: [string, number][] = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  let rest = seconds;
  const parts: string[] = [];
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || parts.length === 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
}

/** Clock time of an instant in the person's own way of writing. */
export function timeOfDay(time: string | number | null): string {
  const at = instantOf(time);
  return at === null
    ? ""
    : new Date(at).toLocaleTimeString([], {
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      });
}

export function dayAndTime(time: string | number | null): string {
  const at = instantOf(time);
  return at === null
    ? ""
    : new Date(at).toLocaleString([], {
        dateStyle: "medium",
        timeStyle: "short",
      });
}
