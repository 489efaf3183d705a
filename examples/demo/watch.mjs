import { once } from 'node:events';
import { createServer } from 'node:http';
import { statusPage } from 'axios-priority-adapter/status-page';
import { converse } from './callers.mjs';

/**
 * Holds the conversations again and again, with busier and calmer times, and shows the backends on a page.
 *
 * @param ask asks a client, see clients.mjs
 * @param signal ends it
 * @returns how many turns were answered, and how many were lost
 */
export async function watch(conversations, pool, { ask, callers, signal }) {
  // Time runs fast here, see endpoints.mjs.
  const page = statusPage(pool, { title: 'Demo', history: 60_000 });
  const server = createServer(page).listen(0, '127.0.0.1');
  await once(server, 'listening');
  console.log(`The backends: http://127.0.0.1:${server.address().port}/\nPress Ctrl+C to end.`);
  const sum = { answered: 0, lost: 0 };
  for (let round = 0; !signal.aborted; round++) {
    const some = round % 2 === 0 ? callers : Math.ceil(callers / 5);
    const { answered, lost } = await converse(conversations, { ask, callers: some, signal, onTurn: () => undefined });
    sum.answered += answered;
    sum.lost += lost;
  }
  page.close();
  server.close();
  return sum;
}
