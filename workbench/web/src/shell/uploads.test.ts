import { afterEach, expect, test, vi } from "vitest";
import { ApiError, OfflineError } from "./api";
import { INLINE_CHARACTERS, bytesOf, replaceLargeImages, uploadBy } from "./uploads";

const large = "AAAA".repeat(INLINE_CHARACTERS / 4 + 1);

afterEach(() => void vi.unstubAllGlobals());

test("large label images are uploaded wherever they are, and nothing else is touched", async () => {
  const upload = vi.fn(async (png: Uint8Array) => `u${png.length}`);
  const answer = {
    first: { labeledImage: { pngImageData: large } },
    many: [{ pngImageData: large }, { pngImageData: "c21hbGw=" }, 7, null],
    text: large,
    pngImageData: { uploaded: "already" },
  };

  const light = await replaceLargeImages(answer, upload);

  const size = (large.length / 4) * 3;
  expect(light).toEqual({
    first: { labeledImage: { pngImageData: { uploaded: `u${size}` } } },
    many: [{ pngImageData: { uploaded: `u${size}` } }, { pngImageData: "c21hbGw=" }, 7, null],
    text: large,
    pngImageData: { uploaded: "already" },
  });
  expect(answer.first.labeledImage.pngImageData).toBe(large);
});

test("base64 is read with a data address before it too", () => {
  expect([...bytesOf("data:image/png;base64,AQID")]).toEqual([1, 2, 3]);
  expect([...bytesOf("AQID")]).toEqual([1, 2, 3]);
});

test("an upload goes by the link that was given, with its headers and no cookie", async () => {
  const link = { upload: "u1", url: "https://s3.example/u1", headers: { "Content-Type": "image/png" } };
  const ask = vi.fn(async () => link);
  const put = vi.fn(async (_url: string, _init: RequestInit) => new Response());
  vi.stubGlobal("fetch", put);

  expect(await uploadBy({ upload: ask }, "a1")(new Uint8Array(3))).toBe("u1");

  expect(ask).toHaveBeenCalledWith("a1", "image/png", 3);
  expect(put.mock.calls[0]?.[0]).toBe(link.url);
  expect(put.mock.calls[0]?.[1]).toMatchObject({ method: "PUT", credentials: "omit", headers: link.headers });
});

test("an upload that fails is told as what it is", async () => {
  const ask = async () => ({ upload: "u1", url: "https://s3.example/u1", headers: {} });
  vi.stubGlobal("fetch", async () => new Response("", { status: 403 }));
  await expect(uploadBy({ upload: ask }, "a1")(new Uint8Array(3))).rejects.toBeInstanceOf(ApiError);

  vi.stubGlobal("fetch", async () => {
    throw new TypeError("Failed to fetch");
  });
  await expect(uploadBy({ upload: ask }, "a1")(new Uint8Array(3))).rejects.toBeInstanceOf(OfflineError);
});
