/** A review that was chosen in the list is claimed as it opens; one that is only looked at is not. */
let wanted: string | null = null;

export function takeAtOnce(id: string): void {
  wanted = id;
}

export function isTakenAtOnce(id: string): boolean {
  const is = wanted === id;
  wanted = null;
  return is;
}
