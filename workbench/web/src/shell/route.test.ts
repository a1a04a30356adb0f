import { expect, test } from "vitest";
import { links, parseRoute } from "./route";

test.each([
  ["", { page: "jobs" }],
  ["#/", { page: "jobs" }],
  [links.job("a b/ä"), { page: "job", job: "a b/ä" }],
  [links.work("receipts-1"), { page: "work", job: "receipts-1" }],
  [links.task("a9"), { page: "task", assignment: "a9" }],
  [links.reviews(), { page: "reviews" }],
  [links.review("r-1 ü"), { page: "review", review: "r-1 ü" }],
  ["#/jobs/x/else", { page: "unknown" }],
  ["#/tasks/%E0%A4%A", { page: "unknown" }],
  ["#/constructor", { page: "unknown" }],
])("%s leads to its page", (hash, page) => {
  expect(parseRoute(hash)).toEqual(page);
});
