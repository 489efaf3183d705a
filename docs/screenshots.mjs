/**
 * Runs a load over three endpoints on loopback, and takes pictures of the status page in Chromium.
 *
 *     npm run screenshots            writes docs/status-page-{light,dark,phone}.png
 *     npm run screenshots -- FOLDER  writes them to another folder
 *
 * CHROMIUM_PATH names another Chromium than /usr/bin/chromium. SECONDS is how long the load runs, 150 by default.
 */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import axios from 'axios';
import { BackendPool, priorityAdapter } from 'axios-priority-adapter';
import { statusPage } from 'axios-priority-adapter/status-page';
import { chromium } from 'playwright-core';
import { callsPerPeriod, completion, failure, FakeAzure, throttled } from '../examples/demo/fake-azure.mjs';

const folder = process.argv[2] ?? import.meta.dirname;
const { CHROMIUM_PATH: executablePath = '/usr/bin/chromium', SECONDS = '150' } = process.env;
const duration = Number(SECONDS) * 1_000;

const SHOTS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
};

const answered = () => ({ status: 200, body: JSON.stringify(completion({ content: 'Hello' })) });

/** A provisioned deployment that throttles. */
function provisioned() {
  const limit = callsPerPeriod({ calls: 60, ms: 30_000 });
  return () => {
    const ms = limit();
    return ms === 0 ? { ...answered(), after: 400 } : { ...throttled(ms, { provisioned: true }), after: 15 };
  };
}

/** One that fails for a while, in the middle of the load, and is out for a minute near its end. */
function failing() {
  const began = Date.now();
  const unavailable = failure(503, 'ServiceUnavailable', 'Service unavailable');
  return () => {
    const part = (Date.now() - began) / duration;
    if (part > 0.9) return { ...unavailable, headers: { 'retry-after': '60' } };
    return part > 0.45 && part < 0.6 ? unavailable : { ...answered(), after: 700 };
  };
}

async function load(client, until) {
  const url = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
  const calls = [];
  for (let i = 0; Date.now() < until; i++) {
    calls.push(client.post(url, { messages: [] }, { validateStatus: () => true }));
    // Busier and calmer times.
    await wait(170 + 110 * Math.sin(i / 25));
  }
  await Promise.all(calls);
}

async function shoot(address) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    for (const [name, options] of Object.entries(SHOTS)) {
      const page = await browser.newPage(options);
      await page.goto(address);
      await page.waitForSelector('[data-state="live"]');
      await wait(2_500);
      await page.screenshot({ path: join(folder, `status-page-${name}.png`), fullPage: true });
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

const azures = await Promise.all([provisioned(), failing(), answered].map((answer) => new FakeAzure(answer).listen()));
const pool = new BackendPool(
  ['ptu-eastus', 'payg-westus', 'payg-sweden'].map((name, i) => ({
    name,
    baseURL: azures[i].url,
    priority: i === 0 ? 1 : 2,
    request: { proxy: false },
  })),
);
const page = statusPage(pool, { title: 'Chat backends', history: duration });
const server = createServer(page).listen(0, '127.0.0.1');
await once(server, 'listening');
const client = axios.create({ adapter: priorityAdapter(pool) });
const until = Date.now() + duration + 25_000;
const loading = load(client, until);
await wait(duration);
// A deployment that somebody took out.
pool.cool('payg-sweden', 45_000, 'gpt-4o-mini');
await mkdir(folder, { recursive: true });
await shoot(`http://127.0.0.1:${server.address().port}`);
page.close();
server.close();
await loading;
await Promise.all(azures.map((azure) => azure.close()));
console.log(`written to ${folder}`);
