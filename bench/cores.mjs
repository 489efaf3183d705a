import { execFileSync } from 'node:child_process';

const [client, server] = availableCores();

/** Whether the client and its servers can each have their own core. */
export const pinned = server !== undefined;

/** Pins this process, with all its threads, to one core. */
export function pinClient() {
  if (pinned) taskset('-acp', client, process.pid);
}

/** Pins a server process to the other core. */
export function pinServer(pid) {
  if (pinned) taskset('-acp', server, pid);
}

/** Lets a process use both cores. */
export function unpin(pid) {
  if (pinned) taskset('-acp', `${client},${server}`, pid);
}

/** The first and the last core that this process may use; none where `taskset` is missing, which is everywhere but on Linux. */
function availableCores() {
  try {
    const cores = taskset('-cp', process.pid)
      .split(': ')
      .at(-1)
      .trim()
      .split(',')
      .flatMap((range) => range.split('-'));
    return cores.length > 1 ? [cores[0], cores.at(-1)] : [];
  } catch {
    return [];
  }
}

function taskset(...args) {
  return execFileSync('taskset', args.map(String), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
