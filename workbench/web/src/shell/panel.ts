/** How much of the width the document beside a task takes, in percent; kept in this browser. */

export const LEAST_SHARE = 20;
export const MOST_SHARE = 65;
/** On a screen of 1366 pixels the tools of a task still stand beside their picture with it. */
export const USUAL_SHARE = 35;

const KEY = "recto.document-share";

export function limited(share: number): number {
  return Math.min(Math.max(share, LEAST_SHARE), MOST_SHARE);
}

/** What was kept; the usual share where nothing was, or nothing of use. */
export function keptShare(storage: Pick<Storage, "getItem"> = window.localStorage): number {
  try {
    const kept = Number.parseFloat(storage.getItem(KEY) ?? "");
    return Number.isFinite(kept) ? limited(kept) : USUAL_SHARE;
  } catch {
    return USUAL_SHARE; // a browser that keeps nothing
  }
}

export function keepShare(share: number, storage: Pick<Storage, "setItem"> = window.localStorage): void {
  try {
    storage.setItem(KEY, String(Math.round(share)));
  } catch {
    // It is the usual width the next time.
  }
}
