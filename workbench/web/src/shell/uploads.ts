/** Label images leave an answer by a link of their own: a request to the API holds a few megabytes. */
import type { Api } from "./api";
import { ApiError, OfflineError } from "./api";
import type { Answer, Json } from "./types";

/** Base64 text shorter than this stays where it is. */
export const INLINE_CHARACTERS = 64 * 1024;
const IMAGE_KEY = "pngImageData";

export type Upload = (png: Uint8Array<ArrayBuffer>) => Promise<string>;

/** The answer with each large label image uploaded and named in place of its base64 text. */
export async function replaceLargeImages(answer: Answer, upload: Upload): Promise<Answer> {
  return (await replaced(answer, upload)) as Answer;
}

async function replaced(value: Json, upload: Upload): Promise<Json> {
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value) items.push(await replaced(item, upload));
    return items;
  }
  if (typeof value !== "object" || value === null) return value;
  const result: { [key: string]: Json } = {};
  for (const [key, item] of Object.entries(value)) {
    const isLarge = key === IMAGE_KEY && typeof item === "string" && item.length > INLINE_CHARACTERS;
    result[key] = isLarge ? { uploaded: await upload(bytesOf(item)) } : await replaced(item, upload);
  }
  return result;
}

/** Bytes of base64 text, with or without `data:image/png;base64,` before it. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64.replace(/^data:[^,]*,/, ""));
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** One PUT by a short-lived link; gives the upload's name. */
export function uploadBy(api: Pick<Api, "upload">, assignment: string): Upload {
  return async (png) => {
    const link = await api.upload(assignment, "image/png", png.length);
    let response: Response;
    try {
      response = await fetch(link.url, {
        method: "PUT",
        headers: link.headers,
        body: png,
        credentials: "omit",
        referrerPolicy: "no-referrer",
      });
    } catch (error) {
      throw new OfflineError(error);
    }
    if (!response.ok)
      throw new ApiError(
        response.status,
        "UploadError",
        `The label image could not be stored (status ${response.status}).`,
      );
    return link.upload;
  };
}
