import { fork } from 'node:child_process';
import { once } from 'node:events';
import { interleaved } from './measure.mjs';

/** How often the processes are started anew: V8 doesn't optimise a program in the same way each time. */
const STARTS = 3;

/**
 * Times rounds of several clients in turn, as `interleaved` does, each in a process of its own. V8 optimises the code that
 * they share, such as axios's, for all that it has seen in a process. An application has one client, so the clients must not
 * change each other's figures.
 *
 * @param clients their names
 * @param kind the name of a function of `rounds.mjs`
 * @param options what it gets beyond the name of the client
 * @param times as for `interleaved`, but `warmUp` is for each start
 */
export async function apart(clients, kind, options, { warmUp, ms, least = 1 }) {
  const times = Object.fromEntries(clients.map((client) => [client, []]));
  for (let start = 0; start < STARTS; start++) {
    const variants = {};
    const processes = [];
    for (const client of clients) {
      const process = fork(new URL('client-process.mjs', import.meta.url), { execArgv: [] });
      processes.push(process);
      await ask(process, { kind, options: { ...options, client } });
      variants[client] = () => ask(process, 'round');
    }
    const some = await interleaved(variants, { warmUp, ms: ms / STARTS, least: Math.ceil(least / STARTS) });
    for (const client of clients) times[client].push(...some[client]);
    for (const process of processes) process.disconnect();
  }
  return times;
}

async function ask(process, message) {
  const ended = new AbortController();
  const end = once(process, 'exit', ended).then(([code]) => {
    throw new Error(`bench: the process of a client ended with ${code}`);
  });
  try {
    process.send(message);
    const [answer] = await Promise.race([once(process, 'message', ended), end]);
    return answer;
  } finally {
    ended.abort();
    end.catch(() => undefined);
  }
}
