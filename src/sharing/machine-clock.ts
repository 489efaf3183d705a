/** What this file needs of Node's `process`. */
interface NodeProcess {
  readonly versions?: { readonly node?: string; readonly deno?: string; readonly bun?: string };
  hrtime(): [seconds: number, nanoseconds: number];
}

/**
 * ms on a clock that all threads and processes of the machine have in common, and that nobody can set. Only Node has one:
 * elsewhere, each thread counts from its own beginning. It tells how long a message was delayed while a process was
 * stopped.
 */
export function machineTime(): number | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  const { node, deno, bun } = process?.versions ?? {};
  if (node === undefined || deno !== undefined || bun !== undefined) return undefined;
  const [seconds, nanoseconds] = process!.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** ms since a `machineTime` of another process. 0 if it can't be told, or if it would be in the future. */
export function ageOf(stamp: unknown): number {
  const time = machineTime();
  return time !== undefined && typeof stamp === 'number' && stamp < time ? time - stamp : 0;
}
