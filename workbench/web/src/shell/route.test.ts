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
  [links.documents(), { page: "documents", status: "", search: "" }],
  [links.documents("FAILED", "a?b/ä&c"), { page: "documents", status: "FAILED", search: "a?b/ä&c" }],
  [links.document("3f2a91"), { page: "document", document: "3f2a91" }],
  ["#/documents/x/pages", { page: "unknown" }],
  ["#/jobs/x/else", { page: "unknown" }],
  ["#/tasks/%E0%A4%A", { page: "unknown" }],
  ["#/constructor", { page: "unknown" }],
])("%s leads to its page", (hash, page) => {
  expect(parseRoute(hash)).toEqual(page);
});
