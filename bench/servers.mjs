import { fork } from 'node:child_process';
import { once } from 'node:events';
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
  const ask = async (message) => {
    child.send(message);
    return (await once(child, 'message'))[0];
  };
  return {
    urls: await ask({ start: specs }),
    /** What each backend counted so far: `{ attempts, answered, throttled, failed }`. */
    counts: () => ask('counts'),
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
