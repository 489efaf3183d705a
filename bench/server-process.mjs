/** The process that `servers.mjs` starts. It ends with its parent. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { callsPerPeriod, completion, FakeAzure, leakyBucket, throttled } from '../examples/demo/fake-azure.mjs';

/** Each makes a function that gives the ms that a call has to wait, 0 for none. */
const LIMITS = {
  none: () => () => 0,
  always:
    ({ wait }) =>
    () =>
      wait,
  callsPerPeriod,
  leakyBucket,
};

/** About 1 kB, as a short chat completion has. */
const ANSWER = completion({ content: 'The quick brown fox jumps over the lazy dog. '.repeat(18) });
ANSWER.body = JSON.stringify(ANSWER.body);

let backends = [];

process.on('message', async (message) => {
  if (message === 'counts') return process.send(backends.map(({ counts }) => counts));
  backends = await Promise.all(message.start.map(backend));
  process.send(backends.map(({ url }) => url));
});
process.on('disconnect', () => process.exit());

/**
 * @param latency ms until the answer, or until the first event of a stream, whose head comes at once
 * @param events how many events an answer is streamed in; by default it isn't streamed
 */
function backend({ latency = 0, limit: { kind, ...settings } = { kind: 'none' }, events }) {
  const limit = LIMITS[kind](settings);
  if (events !== undefined) return new FakeAzure((call) => stream(call, { events, latency })).listen();
  return new FakeAzure(async ({ body }) => {
    await body;
    const wait = limit();
    return wait > 0 ? throttled(wait, { provisioned: true }) : { ...ANSWER, after: latency };
  }).listen();
}

const EVENT = `data: ${JSON.stringify({ choices: [{ delta: { content: 'word ' } }], usage: null, id: 'x'.repeat(120) })}\n\n`;

/** Writes an event at a time, as fast as the client reads. */
async function stream({ body, response }, { events, latency }) {
  await body;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (latency > 0) {
    response.flushHeaders();
    await setTimeout(latency);
  }
  for (let i = 0; i < events; i++) if (!response.write(EVENT)) await once(response, 'drain');
  response.end();
}
