/**
 * Runs the package under load against backends that throttle, fail, reset, hang, truncate, answer slowly, close idle
 * connections, go away and come back. The requests have bodies of all kinds, and some are cancelled or time out. At the end, every request must have settled
 * exactly once, the logs of clients and servers must agree entry by entry, each failure must have cost its backend what the rules
 * say, and nothing may be left behind.
 *
 *     npm run soak -- [seconds] [seed]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Command, InvalidArgumentError } from 'commander';
import { seeded } from './random.mjs';
import { Backend } from './soak/backend.mjs';
import { clientOf, recordSendings } from './soak/client.mjs';
import { closed, leftBehind } from './soak/left-behind.mjs';
import { isBlamed, reconcile, unaccounted } from './soak/reconcile.mjs';
import { requestOf } from './soak/requests.mjs';

const CALLERS = 30;
const MAX_SECONDS = 600;
/** ms that the last requests may take to settle. Their own limits are much shorter. */
const GRACE = 10_000;
/** ms after which nothing of a request that has settled arrives any more. Then it is reconciled, and forgotten. */
const LATE = 5000;

const program = new Command('soak')
  .argument('[seconds]', `how long to run, at most ${MAX_SECONDS}`, secondsIn, 30)
  .argument('[seed]', 'of the requests and of how the backends misbehave', seedIn, 1)
  .parse();
const [seconds, seed] = program.processedArgs;
console.log(`soak for ${seconds} s with seed ${seed}; to repeat it: npm run soak -- ${seconds} ${seed}`);

const problems = [];
const problem = (what) => problems.push(what);
for (const event of ['unhandledRejection', 'uncaughtException', 'warning'])
  process.on(event, (error) => problem(`${event}: ${error?.stack ?? error}`));

/** A separate random source for each request and backend, so that none depends on the order of the others. */
const randomFor = (...names) => seeded(hash([seed, ...names].join(' ')));
const backends = ['reserved', 'east', 'west', 'north'].map(
  (name) => new Backend(name, (what) => randomFor(name, what), problem),
);
await Promise.all(backends.map((backend) => backend.start()));

/** By id, until they are reconciled. */
const requests = new Map();
const { client, pool, httpAgent } = clientOf(backends);
const stopRecording = recordSendings(backends, requests, problem);
const events = {};
/** What was found when requests were reconciled. */
const found = { requests: 0, outcomes: {}, ends: {}, attempts: {}, successes: {}, failures: {} };
const unsubscribe = pool.subscribe((event) => {
  if (event.type === 'attempt') count(events, keyOf(event));
});

const delays = monitorEventLoopDelay({ resolution: 10 });
delays.enable();
const until = performance.now() + seconds * 1000;
const ending = new AbortController();
const misbehaving = backends.map((backend) => backend.comeAndGo(ending.signal));
// Only one of them, so that a broken connection to another needs another explanation.
misbehaving.push(backends.at(-1).closeIdle(ending.signal));
const sweeping = setInterval(() => sweep(performance.now() - LATE), 1000);
const settled = await withinGrace(Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i))));
const took = performance.now() - until + seconds * 1000;
clearInterval(sweeping);
delays.disable();
ending.abort();
await Promise.all(misbehaving);
await finish();

async function caller(number) {
  for (let i = 0; performance.now() < until; i++) {
    const id = `${number}-${i}`;
    const { config, cancel, cancelAfter } = requestOf(id, randomFor(id));
    const request = { config, began: performance.now(), sent: [], settled: 0, cancelled: false };
    requests.set(id, request);
    const timer = cancel && setTimeout(() => cancel((request.cancelled = true)), cancelAfter);
    request.outcome = await outcomeOf(request);
    request.read = performance.now();
    clearTimeout(timer);
    // The bodies of a million requests would fill the memory.
    const { responseType, timeout, signal, cancelToken } = config;
    request.config = { responseType, timeout, signal, cancelToken };
  }
}

/** Sends a request, reads its response, and returns how it ended. */
async function outcomeOf(request) {
  const { config } = request;
  const response = await client.request({ ...config }).then(
    (answer) => settle(request, answer),
    (error) => settle(request, error),
  );
  const answer = response instanceof Error ? response.response : response;
  const fate = outcomeIn(response);
  if (config.responseType !== 'stream' || answer === undefined) return fate;
  try {
    // The response of an error has to be read too.
    for await (const chunk of answer.data) void chunk;
    return fate;
  } catch {
    return 'broken while reading';
  }
}

function outcomeIn(result) {
  if (!(result instanceof Error)) return String(result.status);
  return result.response?.fabricated ? 'fabricated 429' : (result.code ?? 'no code');
}

function settle(request, result) {
  request.settled++;
  request.ended = performance.now();
  request.attempts = result.attempts;
  if (result.attempts === undefined) problem(`no attempts on ${result.stack ?? result.status}`);
  // The agent in the config holds sockets with all headers, as with plain axios. The rest must contain no secret.
  const { message, stack, config } = result;
  const { url, baseURL, headers, params } = config ?? {};
  const visible = JSON.stringify([message, stack, url, baseURL, headers, params]);
  for (const secret of ['key-of-', 'x-attempt']) if (visible.includes(secret)) problem(`${secret} in ${visible}`);
  return result;
}

async function finish() {
  unsubscribe();
  for (const what of await closed(httpAgent, backends)) problem(what);
  for (const what of leftBehind(pool, [...requests.values()])) problem(what);
  stopRecording();
  sweep(Infinity);
  for (const backend of backends) unaccounted(backend, problem);
  compareEvents();
  report();
}

/** Reconciles the requests that ended before a time, and forgets them. */
function sweep(before) {
  // Twice the delay, because one late turn of the event loop may follow another.
  const lag = (2 * delays.max) / 1e6 + 50;
  for (const [id, request] of requests) {
    if (!(request.read < before) && before !== Infinity) continue;
    requests.delete(id);
    found.requests++;
    if (request.settled !== 1) problem(`${id} settled ${request.settled} times`);
    count(found.outcomes, request.outcome);
    for (const end of reconcile(id, request, backends, lag, problem)) count(found.ends, end);
    for (const attempt of request.attempts ?? []) {
      count(found.attempts, keyOf(attempt));
      if (attempt.status < 400 && attempt.code === undefined) count(found.successes, attempt.backend);
      if (isBlamed(attempt)) count(found.failures, attempt.backend);
    }
  }
  // What broke connections in the meantime explains nothing any more.
  const oldest = Math.min(performance.now(), ...[...requests.values()].map(({ began }) => began)) - LATE;
  for (const backend of backends) backend.forget(oldest);
}

/** The events and the counts of the pool must match the attempts that callers received. */
function compareEvents() {
  for (const key of new Set([...Object.keys(found.attempts), ...Object.keys(events)]))
    if (found.attempts[key] !== events[key])
      problem(`${key}: ${found.attempts[key]} in the attempts, ${events[key]} events`);
  for (const status of pool.snapshot())
    for (const kind of ['successes', 'failures']) {
      const received = found[kind][status.name] ?? 0;
      if (received !== status[kind])
        problem(`${status.name} has ${status[kind]} ${kind}, callers received ${received}`);
    }
}

function report() {
  console.log(`How the ${found.requests} requests ended, ${Math.round((1000 * found.requests) / took)} per second:`);
  console.table(found.outcomes);
  console.log('How their attempts ended, as clients and servers agree:');
  console.table(found.ends);
  const different = [...new Set(problems)];
  for (const each of different.slice(0, 20)) console.error(each);
  if (different.length > 20) console.error(`and ${different.length - 20} more`);
  console.log(problems.length === 0 ? 'passed' : `failed with seed ${seed}: ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
  // What hangs has been reported.
  if (!settled) process.exit();
}

/** Resolves with whether the work ended in time. */
async function withinGrace(work) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1000 + GRACE);
  });
  const inTime = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

function keyOf({ backend, status, code, reason }) {
  return [backend, status, code, reason].join(' ');
}

function count(counts, key) {
  counts[key] = (counts[key] ?? 0) + 1;
}

function hash(text) {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193);
  return value;
}

function secondsIn(text) {
  const value = Number(text);
  if (value > 0 && value <= MAX_SECONDS) return value;
  throw new InvalidArgumentError(`Must be more than 0 and at most ${MAX_SECONDS}.`);
}

function seedIn(text) {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Must be a whole number of at most nine digits.');
}
