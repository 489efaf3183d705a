import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { statusPage } from 'axios-priority-adapter/status-page';
import { asking, inProcess, namedBackends } from '../clients.mjs';
import { pinServer } from '../cores.mjs';
import { interleaved, ratio, round } from '../measure.mjs';

/** So many that what a viewer is sent falls into the round that it is about. */
const REQUESTS = 8_000;

/** What the status page costs the requests in the same process. */
export async function statusPageCost({ ms, requests }) {
  const [bare, mounted, viewed] = Array.from({ length: 3 }, () => inProcess.ours(namedBackends(3)));
  const pages = [mounted, viewed].map(({ pool }) => statusPage(pool));
  const server = createServer(pages[1]).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const viewer = fork(new URL('../viewer-process.mjs', import.meta.url), [
    `http://127.0.0.1:${server.address().port}/events`,
  ]);
  pinServer(viewer.pid);
  await once(viewer, 'message');
  const count = Math.min(REQUESTS, requests / 5);
  const rounds = Object.entries({ bare, mounted, viewed }).map(([name, { client }]) => [
    name,
    round(count, asking(client)),
  ]);
  const times = await interleaved(Object.fromEntries(rounds), { warmUp: ms(2_000), ms: ms(24_000) });
  for (const page of pages) page.close();
  viewer.disconnect();
  server.close();
  return {
    title: 'Status page',
    note: `A request in process over 3 backends: without a status page, with one that nobody looks at, and with one that another process looks at. Rounds of ${REQUESTS} requests, one after the other.`,
    figures: [
      { name: 'mounted, nobody looks', ...ratio(times.mounted, times.bare), atMost: 1.02 },
      { name: 'one viewer', ...ratio(times.viewed, times.bare), atMost: 1.05 },
    ],
  };
}
