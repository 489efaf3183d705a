import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { BackendPool, priorityAdapter, roundRobin } from 'axios-priority-adapter';

const REQUESTS = 32;
/** ms from one request to the next, by turns: refusals come in twos */
const PACE = [10, 42];
const URL_PATH = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';

/**
 * Sends requests at a steady pace, and writes down what happens when.
 *
 * @returns times in ms since the first request: `attempts` of { request, order, backend, status, from, to }, and
 * `cooldowns` of { backend, reason, from, to }
 */
export async function record(backends) {
  // The pace of minutes in the length of a second: what fails without naming a wait is left alone for 250 ms.
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

/** The first request of a process takes its time, which is not what the picture is about. */
async function warmUp(backends) {
  const adapters = backends.map((backend) => priorityAdapter([backend]));
  await Promise.all(adapters.map((adapter) => axios.options('/', { adapter })));
}

/** An event says when an attempt ended, and the `attempts` of a response to which request it belongs. */
function listen(pool, started) {
  const ends = new Map();
  const cooldowns = [];
  const key = ({ backend, duration }) => `${backend} ${duration}`;
  pool.subscribe((event) => {
    const now = performance.now() - started;
    if (event.type === 'attempt') ends.set(key(event), now);
    if (event.type === 'cooldown') note(cooldowns, { ...event, from: now, to: now + event.duration });
  });
  return {
    cooldowns,
    timesOf(attempt) {
      const to = ends.get(key(attempt));
      return { from: to - attempt.duration, to };
    },
  };
}

/** One that moves the end of another is no second one. */
function note(cooldowns, { backend, reason, from, to }) {
  const same = cooldowns.find((other) => other.backend === backend && other.to >= from);
  if (same === undefined) cooldowns.push({ backend, reason, from, to });
  else same.to = Math.max(same.to, to);
}
