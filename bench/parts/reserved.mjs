import { priorityAdapter } from 'axios-priority-adapter';
import { throttled } from '../../examples/demo/fake-azure.mjs';
import { namedBackends, replyTo, requestOf } from '../clients.mjs';
import { Provisioned } from '../provisioned.mjs';
import { seeded } from '../random.mjs';
import { inVirtualTime, sleep } from '../virtual-time.mjs';

/**
 * ms of capacity. With these, the waits have a median of 40 to 60 ms. One of 43 ms was reported of real deployments
 * (https://hyeonsangjeon.github.io/when-reasoning-pays-off/blog/articles/ptu-retry-after-recovery/).
 */
const COST = { prompt: 50, token: 0.2 };
const TOKENS = { least: 100, most: 400, max: 500 };
const AVERAGE = costOf((TOKENS.least + TOKENS.most) / 2);
const ESTIMATE = costOf(TOKENS.max);
/** ms that a token takes to generate */
const TOKEN_TIME = 20;
/** ms between client and server, each way */
const DISTANCE = 10;

/** ms of capacity */
const BURSTS = [100, 500, 2_000];
const DEMANDS = [1, 2];
/** The share of the time after which counting starts: at first the bucket is empty, and takes more than its rate. */
const UNCOUNTED = 0.1;
/** The `cooldown` of each kind of wait. Nothing but a refusal fails here. */
const WAITS = {
  'as given': undefined,
  'rounded up to seconds': ({ response }) => Number(response.headers['retry-after']) * 1_000,
  'always 10 s': () => 10_000,
};
/** For waits as given, at twice the capacity, by burst. */
const LEAST_USED = { 100: 0.7, 500: 0.95, 2_000: 0.99 };

/** How much of a provisioned deployment is used with its waits as given, and with longer ones. */
export async function reserved({ ms, seed }) {
  const time = Math.max(30_000, ms(400_000));
  const cells = [];
  for (const demand of DEMANDS)
    for (const waits of Object.keys(WAITS))
      for (const burst of BURSTS) {
        const counts = await inVirtualTime(seed, () => run({ demand, cooldown: WAITS[waits], burst, time, seed }));
        const used = counts.used / (time - time * UNCOUNTED);
        cells.push({ demand, waits, burst, used, refused: counts.refused / counts.answered });
      }
  return { title: 'Reserved capacity', note: noteOn(time), figures: cells.flatMap(figuresOf), cells };
}

/** The cells that have targets. The table shows them all. */
function figuresOf({ demand, waits, burst, used, refused }) {
  if (demand !== 2 || waits !== 'as given') return [];
  const name = `twice the demand, bursts of ${burst / 1_000} s`;
  return [
    { name: `${name}: capacity used`, value: used, unit: '%', atLeast: LEAST_USED[burst] },
    { name: `${name}: refused calls per answer`, value: refused, unit: '', atMost: 1 },
  ];
}

/** Resolves with what the deployment did for the requests that count. */
async function run({ demand, cooldown, burst, time, seed }) {
  const random = seeded(seed);
  const backends = namedBackends(2).map((backend, i) => ({ ...backend, priority: i + 1 }));
  const deployment = new Provisioned(burst);
  const counts = { used: 0, answered: 0, refused: 0 };
  const adapter = priorityAdapter(backends, {
    cooldown,
    adapter: async (config) => {
      await sleep(DISTANCE);
      const isReserved = config.baseURL === backends[0].baseURL;
      const reply = await (isReserved ? serve(deployment, config, counts) : generate(config));
      await sleep(DISTANCE);
      return reply;
    },
  });
  const running = [];
  const began = performance.now();
  const ended = began + time;
  let arrival = began;
  while ((arrival -= (Math.log(1 - random()) * AVERAGE) / demand) < ended) {
    await sleep(Math.round(arrival - performance.now()));
    // Decided here, so that all cells have the same requests.
    const tokens = Math.round(TOKENS.least + random() * (TOKENS.most - TOKENS.least));
    running.push(adapter(requestOf({ tokens, isCounted: arrival - began > time * UNCOUNTED })));
  }
  await Promise.all(running);
  return counts;
}

async function serve(deployment, config, counts) {
  const wait = deployment.admit(ESTIMATE);
  if (wait > 0) {
    if (config.isCounted) counts.refused++;
    return replyTo(config, 429, throttled(wait, { provisioned: true }).headers);
  }
  const reply = await generate(config);
  const cost = costOf(config.tokens);
  deployment.correct(ESTIMATE, cost);
  if (config.isCounted) {
    counts.used += cost;
    counts.answered++;
  }
  return reply;
}

async function generate(config) {
  await sleep(config.tokens * TOKEN_TIME);
  return replyTo(config, 200);
}

function costOf(tokens) {
  return COST.prompt + COST.token * tokens;
}

function noteOn(time) {
  const lasts = (tokens) => (tokens * TOKEN_TIME) / 1_000;
  return [
    'A provisioned deployment (PTU) as Microsoft documents it, with one without limit behind it.',
    `Utilisation is a leaky bucket that drains at a constant rate. Above 100 %, calls are refused with the time until it is below (\`retry-after-ms\`, next to \`retry-after\` in whole seconds). An accepted call adds what it may cost by its prompt and \`max_tokens\`; when it ends, this is corrected to what it did cost.`,
    `The burst is how much the bucket holds at 100 %, in seconds of capacity: so much work may come at once after a quiet time. Microsoft doesn't publish it.`,
    `A call costs ${AVERAGE} ms of capacity on average, so the deployment can serve ${1_000 / AVERAGE} a second; it is estimated at ${ESTIMATE} ms. It takes ${lasts(TOKENS.least)} to ${lasts(TOKENS.most)} s, and a refusal ${2 * DISTANCE} ms.`,
    `Requests arrive at random times for ${time / 1_000} s, at as many a second as the deployment can serve, or twice as many. Each is sent on at once if it is refused. Calls that are under way at the end count in full, so the use can be a little over 100 %.`,
    `"Rounded up to seconds" is what \`retry-after\` alone says; this and the 10 s are set by \`cooldown\`.`,
    `All of it in virtual time; the same seed always gives the same.`,
  ].join(' ');
}
