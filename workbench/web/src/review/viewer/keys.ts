/** The viewer's own keys, while the focus is in it; the page around shows them among its own. */
export const VIEWER_KEYS: { key: string; does: string }[] = [
  { key: "+", does: "larger" },
  { key: "-", does: "smaller" },
  { key: "0", does: "as wide as the view" },
  { key: "F", does: "whole pages" },
  { key: "R", does: "turn the pages clockwise" },
  { key: "/", does: "search the words of the document" },
  { key: "G", does: "go to a page" },
  { key: "N", does: "show or hide the names of all boxes" },
  { key: "M", does: "go to the boxes; arrows move on, Enter takes the field" },
  { key: "C", does: "choose words by keys: arrows move, with Shift extend, Enter takes them" },
  { key: "Escape", does: "leave boxes, words or search" },
];
