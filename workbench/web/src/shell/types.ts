/** What passes between the pages and the API (docs/workbench.md, "HTTP API"). */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a task's form would send. */
export type Answer = { [key: string]: Json };

export type Role = "annotator" | "reviewer" | "operator";

export interface Me {
  name: string;
  worker_id: string;
  roles: Role[];
}

export interface Counters {
  total: number;
  human_labeled: number;
  machine_labeled: number;
  failed: number;
  unlabeled: number;
}

export interface Job {
  name: string;
  title: string;
  description: string;
  status: string;
  task_type: string;
  workers_per_object: number;
  time_limit_seconds: number;
  created: string;
  counters: Counters;
  open_for_me: number;
  done_by_me: number;
  failure: string | null;
}

export interface JobObject {
  number: number;
  state: string;
  answers: number;
  error: string | null;
  adjudicate: string[];
}

export interface JobDetail extends Job {
  objects: JobObject[];
  next_token: string | null;
}

export type TaskState = "RESERVED" | "STARTED" | "SUBMITTED" | "SKIPPED" | "RETURNED" | "EXPIRED";

export interface Task {
  assignment: string;
  job: string;
  title: string;
  description: string;
  state: TaskState;
  number: number;
  time_limit_seconds: number;
  expires: string | number | null;
  frame: string;
  nonce: string;
  draft: Answer | null;
  progress: { done: number; open: number };
  document: { url: string; page: number } | null;
}

export interface UploadLink {
  upload: string;
  url: string;
  headers: Record<string, string>;
}
