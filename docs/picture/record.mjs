import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { BackendPool, priorityAdapter, roundRobin } from 'axios-priority-adapter';

const REQUESTS = 32;
/** ms from one request to the next, in turn. Two close ones are refused together. */
const PACE = [10, 42];
const URL_PATH = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';

/**
 * Sends requests at a steady pace and records what happens when.
 *
 * @returns `attempts` as { request, order, backend, status, from, to } and `cooldowns` as { backend, reason, from, to }, with
 * times in ms since the first request
 */
export async function record(backends) {
  // Short, because the recording lasts about a second: a failure that names no wait gives a cooldown of 250 ms.
  const pool = new BackendPool(backends, { selector: roundRobin(), defaultCooldown: 250 });
  const client = axios.create({ adapter: priorityAdapter(pool), validateStatus: null });
  await warmUp(backends);
  const started = performance.now();
  const log = listen(pool, started);
  const sent = [];
  for (let i = 0, due = started; i < REQUESTS; due += PACE[i++ % PACE.length]) {
    await sleep(Math.max(0, due - performance.now()));
    sent.push(client.post(URL_PATH, { messages: [{ role: 'user', content: 'Hello' }] }));
  }
  const responses = await Promise.all(sent);
  return {
    backends: pool.backends.map(({ name, priority }) => ({ name, priority })),
    requests: REQUESTS,
    answered: responses.filter(({ status }) => status === 200).length,
    attempts: responses.flatMap(({ attempts }, request) =>
      attempts.map((attempt, order) => ({ ...attempt, request, order, ...log.timesOf(attempt) })),
    ),
    cooldowns: log.cooldowns,
  };
}

/** The first request of a process is slow, which would distort the picture. */
async function warmUp(backends) {
  const adapters = backends.map((backend) => priorityAdapter([backend]));
  await Promise.all(adapters.map((adapter) => axios.options('/', { adapter })));
}

/** The events say when an attempt ended; the `attempts` of a response say which request it belongs to. */
function listen(pool, started) {
  const ends = new Map();
  const cooldowns = [];
  const key = ({ backend, duration }) => `${backend} ${duration}`;
  pool.subscribe((event) => {
    const now = performance.now() - started;
    if (event.type === 'attempt') ends.set(key(event), now);
    if (event.type === 'cooldown') addTo(cooldowns, { ...event, from: now, to: now + event.duration });
  });
  return {
    cooldowns,
    timesOf(attempt) {
      const to = ends.get(key(attempt));
      return { from: to - attempt.duration, to };
    },
  };
}

/** A cooldown that extends an earlier one is drawn as one with it. */
function addTo(cooldowns, { backend, reason, from, to }) {
  const same = cooldowns.find((other) => other.backend === backend && other.to >= from);
  if (same === undefined) cooldowns.push({ backend, reason, from, to });
  else same.to = Math.max(same.to, to);
}
