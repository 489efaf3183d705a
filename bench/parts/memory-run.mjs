/** Run by `memory.mjs`: sends that many requests, and prints the heap in use after a tenth of them and at the end. */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { answering, namedBackends } from '../clients.mjs';
import { seeded } from '../random.mjs';

const [requests, seed] = process.argv.slice(2).map(Number);
const CALLERS = 50;
const DEPLOYMENTS = 3000;

const random = seeded(seed);
const { signal } = new AbortController();
const outcomes = { failed: 0, attempts: 0 };
const options = { adapter: unreliable, defaultCooldown: 1, maxCooldown: 5, maxWait: 20 };
const adapter = priorityAdapter(namedBackends(4), options);
let left = 0;

const early = await heapAfter(requests / 10);
const late = await heapAfter(requests - requests / 10);
console.log(JSON.stringify({ early, late, outcomes }));

async function heapAfter(count) {
  left = count;
  await Promise.all(Array.from({ length: CALLERS }, caller));
  // Twice: the second collects what the first finalised.
  global.gc();
  await new Promise((resolve) => setImmediate(resolve));
  global.gc();
  return process.memoryUsage().heapUsed;
}

async function caller() {
  while (left-- > 0) {
    try {
      const { attempts } = await adapter(config());
      outcomes.attempts += attempts.length;
    } catch (error) {
      outcomes.failed++;
      outcomes.attempts += error.attempts.length;
    }
  }
}

/** As an adapter receives it from axios. */
function config() {
  return {
    method: random() < 0.5 ? 'post' : 'get',
    url: `/openai/deployments/model-${Math.floor(random() * DEPLOYMENTS)}/chat/completions`,
    headers: new axios.AxiosHeaders({ 'content-type': 'application/json' }),
    data: '{"messages":[]}',
    validateStatus: (status) => status < 400,
    ...(random() < 0.1 && { signal }),
    timeout: random() < 0.1 ? 1000 : 0,
  };
}

async function unreliable(request) {
  const dice = random();
  if (dice < 0.03) return refusal(request, 429, { 'retry-after-ms': String(1 + 2 * random()) });
  if (dice < 0.04) return refusal(request, 500, {});
  if (dice < 0.045) throw new axios.AxiosError('connect ECONNREFUSED', 'ECONNREFUSED', request);
  if (dice < 0.05) throw new axios.AxiosError('socket hang up', 'ECONNRESET', request);
  return answering(request);
}

async function refusal(request, status, headers) {
  return { ...(await answering(request)), status, headers: new axios.AxiosHeaders(headers), data: '{"error":{}}' };
}
