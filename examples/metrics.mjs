/**
 * Turns the events of a pool into Prometheus metrics (prom-client) and log lines (pino).
 *
 *     EASTUS_KEY=… WESTUS_KEY=… node metrics.mjs
 *
 * Sends a few requests, logs each event, and finally prints what Prometheus would scrape.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import pino from 'pino';
import { Counter, Gauge, Histogram, register } from 'prom-client';

const { env } = process;
const adapter = priorityAdapter([
  { name: 'ptu', baseURL: env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com', apiKey: env.EASTUS_KEY },
  {
    name: 'payg',
    baseURL: env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com',
    apiKey: env.WESTUS_KEY,
    priority: 2,
  },
]);

const attempts = new Counter({
  name: 'openai_attempts_total',
  help: 'Attempts by outcome',
  labelNames: ['backend', 'deployment', 'outcome', 'reason'],
});
const seconds = new Histogram({
  name: 'openai_attempt_seconds',
  help: 'Duration of an attempt',
  labelNames: ['backend'],
});
const cooldowns = new Counter({
  name: 'openai_cooldowns_total',
  help: 'Cooldowns by reason',
  labelNames: ['backend', 'reason'],
});
const exhausted = new Counter({ name: 'openai_exhausted_total', help: 'Requests that found no backend available' });
new Gauge({
  name: 'openai_available',
  help: '1 while a backend is available',
  labelNames: ['backend'],
  // Runs when Prometheus scrapes, not for each request.
  collect() {
    for (const { name, available } of adapter.pool.snapshot()) this.set({ backend: name }, available ? 1 : 0);
  },
});

const log = pino({ base: undefined }, pino.destination({ sync: true }));

// Listeners run synchronously, in the middle of a request. Keep them fast.
adapter.pool.subscribe((event) => {
  switch (event.type) {
    case 'attempt':
      attempts.inc({
        backend: event.backend,
        deployment: event.scope ?? '',
        outcome: event.status ?? event.code ?? 'error',
        reason: event.reason ?? '',
      });
      seconds.observe({ backend: event.backend }, event.duration / 1000);
      // Azure's support asks for the requestId. Refused attempts leave nothing else behind.
      if (event.reason !== undefined) log.warn(event, 'attempt failed');
      else log.debug(event);
      break;
    case 'cooldown':
      cooldowns.inc({ backend: event.backend, reason: event.reason });
      log.warn(event, 'backend on cooldown');
      break;
    case 'exhausted':
      exhausted.inc();
      log.error(event, 'no backend available');
      break;
    default:
      log.info(event);
  }
});

const client = axios.create({ adapter });
for (let i = 0; i < 5; i++) {
  const question = { model: 'chat', input: 'Hello' };
  await client.post('/openai/v1/responses', question).catch((error) => log.error(error.message));
}
console.log(await register.metrics());
