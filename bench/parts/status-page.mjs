import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { statusPage } from 'axios-priority-adapter/status-page';
import { asking, inProcess, namedBackends } from '../clients.mjs';
import { pinServer } from '../cores.mjs';
import { cpuTime, interleaved, ratio, round, timed } from '../measure.mjs';

const REQUESTS = 200;
/** So many that what is sent to a viewer falls into the round that it is about. */
const BATCHES = 20;

/** Turns to measure, however slow the machine is. */
const LEAST = 31;

/** What the status page costs the requests in its process. */
export async function statusPageCost({ ms, quick }) {
  const clients = Object.fromEntries(
    ['without', 'unseen', 'seen'].map((name) => [name, inProcess.ours(namedBackends(3))]),
  );
  const pages = [clients.unseen, clients.seen].map(({ pool }) => statusPage(pool));
  const server = createServer(pages[1]).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const viewer = await startViewer(`http://127.0.0.1:${server.address().port}/events`);
  const rounds = Object.entries(clients).map(([name, { client }]) => [
    name,
    batches(asking(client), quick ? 1 : BATCHES),
  ]);
  const times = await interleaved(Object.fromEntries(rounds), {
    warmUp: ms(2_000),
    ms: ms(24_000),
    least: quick ? 1 : LEAST,
    time: (run) => timed(run, cpuTime),
  });
  if (viewer.exitCode !== null) throw new Error('the viewer was dropped, so the figure would mean nothing');
  viewer.disconnect();
  for (const page of pages) page.close();
  server.close();
  return {
    title: 'Status page',
    note: `A request in process over 3 backends: without a status page, with one that nobody looks at, and with one that another process looks at. Rounds of ${REQUESTS * BATCHES} requests, one after the other. CPU time of the process, with all its threads.`,
    figures: [
      { name: 'mounted, nobody looks', ...ratio(times.unseen, times.without), atMost: 1.02 },
      { name: 'mounted, one viewer', ...ratio(times.seen, times.without), atMost: 1.05 },
    ],
  };
}

/** Starts a process that looks at the page. Resolves when it does. */
async function startViewer(url) {
  const viewer = fork(new URL('../viewer-process.mjs', import.meta.url), [url], { execArgv: [] });
  pinServer(viewer.pid);
  await once(viewer, 'message');
  return viewer;
}

/** Requests with turns of the event loop in between, as a network gives them. */
function batches(request, count) {
  const batch = round(REQUESTS, request);
  return round(count, async () => {
    await batch();
    await setImmediate();
  });
}
