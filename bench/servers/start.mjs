import { fork } from 'node:child_process';
import { once } from 'node:events';

/**
 * Starts servers on loopback in a process of their own, so that they share no event loop with who is measured.
 *
 * @param wanted `{ kind, ...settings }` for each; the kinds are in `kinds.mjs`
 * @returns their `urls`, what they have counted, and what ends them
 */
export async function startServers(wanted) {
  const child = fork(new URL('main.mjs', import.meta.url), { execArgv: [] });
  const ask = async (message) => {
    child.send(message);
    return (await once(child, 'message'))[0];
  };
  const urls = await ask({ start: wanted });
  return {
    urls,
    /** Begins a new count and, where they have a clock, a new clock. */
    reset: () => ask({ reset: true }),
    counts: () => ask({ counts: true }),
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
