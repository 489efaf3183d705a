import { fork } from 'node:child_process';
import { once } from 'node:events';
import { ask } from './ask.mjs';
import { pinServer, unpin } from './cores.mjs';

/**
 * Starts backends in a separate process, so that they share neither event loop nor core with the client under test.
 *
 * @param specs `{ latency, limit }` for each backend; `limit` is `{ kind, … }`, one of those in `server-process.mjs`
 * @param options `isPinned`: whether the process has a core to itself
 */
export async function startServers(specs, { isPinned = true } = {}) {
  const child = fork(new URL('server-process.mjs', import.meta.url), { execArgv: [] });
  if (isPinned) pinServer(child.pid);
  else unpin(child.pid);
  return {
    urls: await ask(child, { start: specs }, 'the servers'),
    /** What each backend counted so far: `{ attempts, answered, throttled, failed }`. */
    counts: () => ask(child, 'counts', 'the servers'),
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
