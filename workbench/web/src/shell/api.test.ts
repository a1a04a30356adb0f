import { afterEach, expect, test, vi } from "vitest";
import { ApiError, OfflineError, api, isTemporary, serverNow } from "./api";

function answer(body: string, init: ResponseInit = {}) {
  const fetched = vi.fn(async (_path: string, _init: RequestInit) => new Response(body, init));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => void vi.unstubAllGlobals());

test("changes carry our header, names in paths are encoded", async () => {
  const fetched = answer('{"task": null}');

  await api.next("a/b c", true);

  const [path, init] = fetched.mock.calls[0] ?? [];
  expect(path).toBe("/api/jobs/a%2Fb%20c/next");
  expect(init).toMatchObject({ method: "POST", body: '{"reserve":true}', headers: { "X-Recto": "1" } });
});

test("a refusal keeps its name and message", async () => {
  answer('{"error": "TaskExpiredError", "message": "over since 12:00"}', { status: 409 });

  const error = await api.start("a1").catch((error: unknown) => error);

  expect(error).toMatchObject({ status: 409, code: "TaskExpiredError", message: "over since 12:00" });
  expect(isTemporary(error)).toBe(false);
});

test.each([
  [502, true],
  [503, true],
  [429, true],
  [404, false],
])("a gateway's page of HTML with status %d: to try again is %s", async (status, again) => {
  answer("<html>Bad gateway</html>", { status });

  const error = await api.jobs().catch((error: unknown) => error);

  expect(error).toBeInstanceOf(ApiError);
  expect(isTemporary(error)).toBe(again);
});

test("no answer at all is being offline", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("Failed to fetch");
  });

  await expect(api.jobs()).rejects.toBeInstanceOf(OfflineError);
});

test("the server's clock is learned from its answers", async () => {
  const anHourAhead = Date.now() + 3_600_000;
  answer("{}", { headers: { Date: new Date(anHourAhead).toUTCString() } });

  await api.jobs();

  expect(Math.abs(serverNow() - anHourAhead)).toBeLessThan(3000);
});
