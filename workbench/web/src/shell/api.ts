/** Requests to the API, each answer or a named error; and the server's clock, learned on the way. */
import type { Answer, Job, JobDetail, Me, Task, TaskState, UploadLink } from "./types";

/** The API refused: its error's name, its message, its status. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly signIn: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether the same request may succeed later. */
  get isTemporary(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** No answer came: the network or the server is away. */
export class OfflineError extends Error {
  constructor(cause: unknown) {
    super("The workbench could not be reached.");
    this.name = "OfflineError";
    this.cause = cause;
  }
}

/** Whether trying the same again makes sense. */
export function isTemporary(error: unknown): boolean {
  return error instanceof OfflineError || (error instanceof ApiError && error.isTemporary);
}

// This machine's clock may be wrong; a task ends by the server's.
let serverAhead = 0;

/** Milliseconds since 1970 by the server's clock. */
export function serverNow(): number {
  return Date.now() + serverAhead;
}

function learnClock(response: Response): void {
  const told = Date.parse(response.headers.get("Date") ?? "");
  // The header counts in seconds, so less than two tells nothing.
  if (!Number.isNaN(told) && Math.abs(told - serverNow()) > 2000) serverAhead = told - Date.now();
}

export interface RequestOptions {
  body?: unknown;
  /** Let the request live on when the page closes (browsers allow 64 KiB). */
  keepalive?: boolean;
}

async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Recto"] = "1";
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      keepalive: options.keepalive ?? false,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
    });
  } catch (error) {
    throw new OfflineError(error);
  }
}

async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {}; // a gateway's page of HTML, for instance: the status has to do
  }
}

export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(method, path, options);
  learnClock(response);
  const body = await bodyOf(response);
  if (response.ok) return body as T;
  throw new ApiError(
    response.status,
    typeof body.error === "string" ? body.error : `HTTP ${response.status}`,
    typeof body.message === "string"
      ? body.message
      : `The workbench answered with status ${response.status}.`,
    typeof body.sign_in === "string" ? body.sign_in : null,
  );
}

const one = encodeURIComponent;

export const api = {
  me: () => request<Me>("GET", "/api/me"),
  signOut: () => request<{ location: string }>("POST", "/api/auth/sign-out"),
  jobs: (token: string | null = null) =>
    request<{ jobs: Job[]; next_token: string | null }>(
      "GET",
      `/api/jobs${token ? `?next_token=${one(token)}` : ""}`,
    ),
  job: (name: string, token: string | null) =>
    request<JobDetail>("GET", `/api/jobs/${one(name)}${token ? `?next_token=${one(token)}` : ""}`),
  stop: (name: string) => request<unknown>("POST", `/api/jobs/${one(name)}/stop`),
  /** With `reserve` one more, put aside; without, the one at work already or a new one, its clock running. */
  next: (name: string, reserve: boolean) =>
    request<{ task: Task | null }>("POST", `/api/jobs/${one(name)}/next`, { body: { reserve } }),
  task: (assignment: string) => request<Task>("GET", `/api/tasks/${one(assignment)}`),
  start: (assignment: string) => request<Task>("POST", `/api/tasks/${one(assignment)}/start`),
  saveDraft: (assignment: string, answer: Answer, keepalive = false) =>
    request<{ saved: string }>("PUT", `/api/tasks/${one(assignment)}/draft`, {
      body: { answer },
      keepalive,
    }),
  upload: (assignment: string, contentType: string, bytes: number) =>
    request<UploadLink>("POST", `/api/tasks/${one(assignment)}/uploads`, {
      body: { content_type: contentType, bytes },
    }),
  submit: (assignment: string, nonce: string, answer: Answer) =>
    request<{ state: TaskState }>("POST", `/api/tasks/${one(assignment)}/submit`, {
      body: { nonce, answer },
    }),
  skip: (assignment: string, reason: string) =>
    request<{ state: TaskState }>("POST", `/api/tasks/${one(assignment)}/skip`, { body: { reason } }),
  release: (assignment: string, keepalive = false) =>
    request<{ state: TaskState }>("POST", `/api/tasks/${one(assignment)}/release`, { keepalive }),
};

export type Api = typeof api;
