/** Ground Truth's names of a job's states, as people say them. */
const SAID: Record<string, string> = {
  Initializing: "starting",
  InProgress: "in progress",
  Completed: "completed",
  Failed: "failed",
  Stopping: "stopping",
  Stopped: "stopped",
};

export function saidStatus(status: string): string {
  return SAID[status] ?? status;
}

/** Whether a job still goes on, and may be stopped. */
export function isRunning(status: string): boolean {
  return status === "Initializing" || status === "InProgress";
}
