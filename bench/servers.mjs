import { fork } from 'node:child_process';
import { once } from 'node:events';
import { pinServer } from './cores.mjs';

/**
 * Starts backends in a separate process, so that they share neither event loop nor core with the client under test.
 *
 * @param specs `{ latency, limit }` for each backend; `limit` is `{ kind, … }`, one of those in `server-process.mjs`
 */
export async function startServers(specs) {
  const child = fork(new URL('server-process.mjs', import.meta.url), { execArgv: [] });
  pinServer(child.pid);
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
