import { fork } from 'node:child_process';
import { ask } from './ask.mjs';
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
    const children = [];
    for (const client of clients) {
      const child = fork(new URL('client-process.mjs', import.meta.url), { execArgv: [] });
      children.push(child);
      await ask(child, { kind, options: { ...options, client } }, client);
      variants[client] = () => ask(child, 'round', client);
    }
    const share = { warmUp, ms: ms / STARTS, least: Math.ceil(least / STARTS) };
    // Each process times its own rounds.
    const some = await interleaved(variants, { ...share, time: (round) => round() });
    for (const client of clients) times[client].push(...some[client]);
    for (const child of children) child.disconnect();
  }
  return times;
}
