import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** ms */
const REFUSAL = 14;
const FAULT = 45;
const WARM = { status: 204, takes: 0 };

/**
 * Three endpoints: a reserved deployment (PTU) that throttles with `retry-after-ms`, and two that are paid by use, of
 * which one fails with a 500 on its fourth call.
 */
export async function startBackends() {
  const servers = await Promise.all([
    start({ name: 'ptu-eastus', priority: 1, reply: provisioned({ calls: 8, wait: 170 }) }),
    start({ name: 'payg-westus', priority: 2, reply: paid({ failsAt: 3, latency: 110 }) }),
    start({ name: 'payg-sweden', priority: 2, reply: paid({ latency: 130 }) }),
  ]);
  return {
    backends: servers.map(({ options }) => options),
    close: () =>
      servers.forEach(({ server }) => {
        server.close();
        server.closeAllConnections();
      }),
  };
}

async function start({ name, priority, reply }) {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => void answer(response, request.method === 'OPTIONS' ? WARM : reply()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseURL = `http://127.0.0.1:${server.address().port}`;
  return { server, options: { name, priority, baseURL, request: { proxy: false } } };
}

async function answer(response, { status, headers, takes }) {
  await sleep(takes);
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end('{}');
}

/** Takes so many calls in a window, then refuses until the next: to the millisecond, as `retry-after` could not say it. */
function provisioned({ calls, wait }) {
  let left = calls;
  let resumes = 0;
  return () => {
    const now = performance.now();
    if (left === 0 && now >= resumes && resumes > 0) left = calls;
    if (left > 0) {
      resumes = 0;
      return { status: 200, takes: 75 + 10 * (left-- % 4) };
    }
    if (resumes === 0) resumes = now + REFUSAL + wait;
    const ms = Math.max(1, Math.ceil(resumes - now - REFUSAL));
    return { status: 429, headers: { 'retry-after-ms': String(ms), 'retry-after': '1' }, takes: REFUSAL };
  };
}

function paid({ failsAt, latency }) {
  let calls = 0;
  return () =>
    ++calls === failsAt ? { status: 500, takes: FAULT } : { status: 200, takes: latency + 12 * (calls % 3) };
}
