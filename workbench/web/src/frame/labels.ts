// Labels: their colours and the keys that choose them.

// The ten of AWS's label images first, so that a label has the colour there that it has here; then more of the
// same kind, dark enough to be seen on paper.
const COLOURS = [
  "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
  "#393b79", "#637939", "#8c6d31", "#843c39", "#7b4173", "#3182bd", "#e6550d", "#31a354", "#756bb1", "#636363",
]; // prettier-ignore

export function labelColour(at: number): string {
  const known = COLOURS[at];
  if (known) return known;
  return hslHex((at * 137.508) % 360, 65, 35 + ((at * 7) % 20));
}

function hslHex(hue: number, saturation: number, lightness: number): string {
  const s = saturation / 100;
  const l = lightness / 100;
  const channel = (n: number): string => {
    const k = (n + hue / 30) % 12;
    const value = l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

/** Letters that the tools use themselves; the others choose labels. */
const TAKEN = new Set("bceflnopsuwx");
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"].filter((letter) => !TAKEN.has(letter));
const KEYS = [..."123456789", ...LETTERS];

/** The key that chooses the label at this place; none for the later ones, which the list offers. */
export const labelKey = (at: number): string | null => KEYS[at] ?? null;

export function labelAtKey(key: string, count: number): number | null {
  const at = KEYS.indexOf(key.toLowerCase());
  return at >= 0 && at < count ? at : null;
}
