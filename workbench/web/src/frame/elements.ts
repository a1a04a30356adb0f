// The drop-in crowd elements: one classic script, loaded by a task's frame.
export {};
