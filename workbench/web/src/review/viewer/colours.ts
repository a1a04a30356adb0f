/**
 * A colour for each field. Those of Okabe and Ito, and Tol, made dark enough to be seen as lines on white paper
 * (3:1) by everybody; names beside the boxes say the same, since no twenty colours can be told apart.
 */

export const COLOURS = [
  "#0072b2",
  "#c24e00",
  "#00795c",
  "#a63d7f",
  "#8a6100",
  "#332288",
  "#b3261e",
  "#1b7f9e",
  "#5f7a00",
  "#661100",
  "#7b52c7",
  "#4d4d4d",
] as const;

/** In the order of the fields as they are configured, so that a field keeps its colour from document to document. */
export function coloursOf(fields: Iterable<string>): Map<string, string> {
  const names = [...new Set(fields)];
  return new Map(names.map((name, at) => [name, COLOURS[at % COLOURS.length]!]));
}

/** How two colours stand out against each other, 1-21, as the accessibility guidelines count it. */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  const [red, green, blue] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
