import { describe, expect, test } from "vitest";
import { readMessage, sendToFrame } from "./protocol";

const frame = {};
const from = (data: unknown, source: unknown = frame, origin = "null") => ({ source, origin, data });
const said = (message: object) => from({ recto: 1, nonce: "n1", ...message });

describe("a message from a frame", () => {
  test("is read when source, origin and nonce are right", () => {
    const message = readMessage(said({ type: "draft", answer: { total: "1" } }), frame, "n1");

    expect(message).toEqual({ type: "draft", answer: { total: "1" } });
  });

  test.each([
    ["another window", from({ recto: 1, nonce: "n1", type: "ready" }, {})],
    ["our own origin", from({ recto: 1, nonce: "n1", type: "ready" }, frame, "https://workbench.example")],
    ["another nonce", from({ recto: 1, nonce: "n2", type: "ready" })],
    ["no nonce", from({ recto: 1, type: "ready" })],
    ["somebody else's protocol", from({ nonce: "n1", type: "ready" })],
    ["plain text", from("ready")],
    ["nothing", from(null)],
    ["a type that is not known", said({ type: "navigate" })],
    ["an answer that is a list", said({ type: "submit", answer: [] })],
    ["an answer that is missing", said({ type: "submit" })],
  ])("is dropped when it comes with %s", (_, event) => {
    expect(readMessage(event, frame, "n1")).toBeNull();
  });

  test("is dropped while the frame has no window", () => {
    expect(readMessage(from({ recto: 1, nonce: "n1", type: "ready" }, null), null, "n1")).toBeNull();
  });

  test("has its texts cut and its values made of the right kind", () => {
    expect(readMessage(said({ type: "error", message: "x".repeat(9000) }), frame, "n1")).toEqual({
      type: "error",
      message: "x".repeat(2000),
    });
    expect(readMessage(said({ type: "state", complete: "yes", canUndo: true }), frame, "n1")).toEqual({
      type: "state",
      complete: false,
      missing: "",
      canUndo: true,
      canRedo: false,
    });
    expect(
      readMessage(said({ type: "ready", keys: [{ key: "B", does: "box" }, 7, { key: "" }] }), frame, "n1"),
    ).toEqual({ type: "ready", keys: [{ key: "B", does: "box" }] });
  });
});

test("a message to a frame carries the nonce and can be cloned", () => {
  const sent: unknown[] = [];
  const watched = new Proxy({ total: "1" }, {});

  sendToFrame({ postMessage: (message) => sent.push(structuredClone(message)) }, "n1", {
    type: "init",
    draft: watched,
  });

  expect(sent).toEqual([{ recto: 1, nonce: "n1", type: "init", draft: { total: "1" } }]);
});
