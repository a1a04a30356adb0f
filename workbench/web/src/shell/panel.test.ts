import { expect, test } from "vitest";
import { keepShare, keptShare, LEAST_SHARE, limited, MOST_SHARE, USUAL_SHARE } from "./panel";

test("the document never takes all of the width, nor none", () => {
  expect([limited(1), limited(40), limited(99)]).toEqual([LEAST_SHARE, 40, MOST_SHARE]);
});

test.each([
  [null, USUAL_SHARE],
  ["wide", USUAL_SHARE],
  ["50", 50],
  ["1000", MOST_SHARE],
  ["-1", LEAST_SHARE],
])("of what was kept (%s) only a width is used", (kept, share) => {
  expect(keptShare({ getItem: () => kept })).toBe(share);
});

test("a browser that keeps nothing has the usual width", () => {
  const closed = () => {
    throw new DOMException("denied", "SecurityError");
  };
  expect(keptShare({ getItem: closed })).toBe(USUAL_SHARE);
  expect(() => keepShare(50, { setItem: closed })).not.toThrow();
});
