/**
 * Holds the package under load: real backends that throttle, fail, reset, hang, truncate, answer slowly, go away and come
 * back; bodies of all kinds; cancels and timeouts mixed in. At the end everything must have settled once, the clients'
 * and the servers' counts must agree, and nothing may be left behind.
 *
 *     npm run soak -- [seconds] [seed]
 */
import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import { Readable } from 'node:stream';
import axios from 'axios';
import FormDataPackage from 'form-data';
import { priorityAdapter } from 'axios-priority-adapter';

const seconds = Number(process.argv[2] ?? 45);
const seed = Number(process.argv[3] ?? 1);
const random = mulberry32(seed);
const pick = (list) => list[Math.floor(random() * list.length)];

const problems = [];
process.on('unhandledRejection', (error) => problems.push(`unhandled rejection: ${error?.stack ?? error}`));
process.on('warning', ({ message }) => problems.push(`warning: ${message}`));

const servers = await Promise.all(['reserved', 'east', 'west', 'north'].map((name, i) => startBackend(name, i)));
const httpAgent = new Agent({ keepAlive: true, maxSockets: 40 });
const adapter = priorityAdapter(
  servers.map(({ name, url }, i) => ({ name, baseURL: url, priority: i === 0 ? 1 : 2, apiKey: `key-of-${name}` })),
  { defaultCooldown: 50, maxCooldown: 400, attemptTimeout: 250, maxWait: 300, maxReplaySize: 200_000 },
);
const client = axios.create({ adapter, httpAgent });
const longLived = new AbortController();

const outcomes = {};
let made = 0;
let settled = 0;
let reached = 0;
const until = performance.now() + seconds * 1000;
await Promise.all(Array.from({ length: 30 }, () => caller()));
await finish();

async function caller() {
  while (performance.now() < until) {
    made++;
    const outcome = await request();
    settled++;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
}

async function request() {
  const cancel = random() < 0.1 ? new AbortController() : longLived;
  const config = {
    method: pick(['get', 'post', 'post', 'put']),
    url: `/openai/deployments/${pick(['chat', 'embed', 'audio'])}/x?id=${made}`,
    responseType: pick([undefined, 'json', 'text', 'arraybuffer', 'stream']),
    timeout: pick([0, 0, 2000, 120]),
    signal: cancel.signal,
    failover: pick([undefined, undefined, undefined, false, { maxWait: 0 }]),
  };
  if (config.method !== 'get') Object.assign(config, bodyOf());
  if (cancel !== longLived) setTimeout(() => cancel.abort(), random() * 60).unref();
  try {
    const response = await client.request(config);
    countReached(response.attempts);
    if (config.responseType === 'stream') for await (const chunk of response.data) void chunk;
    return String(response.status);
  } catch (error) {
    if (error.attempts !== undefined) countReached(error.attempts);
    // The agent holds the sockets of all requests, as with plain axios; the rest of a config is to be clean.
    const { message, stack, config: own } = error;
    const { url, baseURL, headers, params } = own ?? {};
    if (JSON.stringify([message, stack, url, baseURL, headers, params]).includes('key-of-'))
      problems.push(`a key in ${message}`);
    return error.response?.fabricated ? 'fabricated 429' : (error.code ?? error.message);
  }
}

/** Attempts whose status came back did reach a server; the others may have. */
function countReached(attempts) {
  reached += attempts.filter(({ status }) => status !== undefined).length;
}

function bodyOf() {
  const bytes = Buffer.alloc(Math.floor(random() * 60_000), 65);
  const form = new FormDataPackage();
  form.append('file', bytes, { filename: 'x.bin' });
  return pick([
    { data: { text: 'x'.repeat(200) } },
    { data: bytes },
    { data: Readable.from([bytes, bytes], { objectMode: false }) },
    {
      data: Readable.from(
        Array.from({ length: 8 }, () => bytes),
        { objectMode: false },
      ),
    },
    { data: new URLSearchParams({ a: '1' }) },
    { data: form },
    { data: new Blob([bytes]) },
  ]);
}

async function startBackend(name, i) {
  const counts = { answered: 0 };
  let away = false;
  const server = createServer((request, response) => {
    if (request.headers['api-key'] !== `key-of-${name}`) problems.push(`${name} was given another key`);
    if (away) return request.socket.destroy();
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.resume().on('end', () => behave(response, request.socket, counts));
  });
  server.keepAliveTimeout = 30_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Goes away for a while, and comes back.
  const tide = setInterval(() => (away = i > 0 && !away && random() < 0.3), 700);
  return { name, url: `http://127.0.0.1:${server.address().port}`, counts, server, tide };
}

function behave(response, socket, counts) {
  const answer = (status, headers, body) => {
    counts.answered++;
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
  const dice = random();
  if (dice < 0.6) answer(200, {}, '{"ok":true}');
  else if (dice < 0.75) answer(429, { 'retry-after-ms': String(10 + random() * 60), 'retry-after': '1' }, '{}');
  else if (dice < 0.8) answer(500, {}, 'x'.repeat(100_000));
  else if (dice < 0.83) answer(503, { 'retry-after': '86400' }, '{}');
  else if (dice < 0.86) answer(400, {}, '{"error":{}}');
  else if (dice < 0.89) socket.destroy();
  else if (dice < 0.91)
    return; // hangs
  else if (dice < 0.94) response.writeHead(200, { 'content-length': '100' }).write('{"half', () => socket.destroy());
  else setTimeout(() => answer(200, {}, '{"slow":true}'), random() * 150);
}

async function finish() {
  for (const { tide, server } of servers) {
    clearInterval(tide);
    server.closeAllConnections();
    server.close();
  }
  httpAgent.destroy();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const expect = (held, what) => held || problems.push(what);
  expect(made === settled, `${made} requests were made and ${settled} settled`);
  for (const { name, pending } of adapter.pool.snapshot()) expect(pending === 0, `${name} has ${pending} pending`);
  const answered = servers.reduce((sum, { counts }) => sum + counts.answered, 0);
  // A server may have answered an attempt that was given up meanwhile; never the other way round.
  const truncated = outcomes.ECONNRESET ?? 0;
  expect(reached <= answered + truncated, `clients saw ${reached} answers and the servers gave ${answered}`);
  const open = process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind));
  expect(open.length === 0, `left behind: ${open.join(', ')}`);
  console.log(`seed ${seed}: ${made} requests in ${seconds} s; ${answered} answers given, ${reached} taken`);
  console.table(outcomes);
  for (const problem of new Set(problems)) console.error(problem);
  console.log(problems.length === 0 ? 'held' : `${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** A seeded source of numbers from 0 to 1. */
function mulberry32(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
