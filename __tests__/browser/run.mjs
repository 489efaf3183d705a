// Runs the built package in a headless Chromium, over both of axios's adapters there: `npm run test:browser`.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { refusedOrigin, startBackends } from '../axios-versions/backends.mjs';
import { printFailures } from '../axios-versions/run-checks.mjs';

const root = join(import.meta.dirname, '../..');

/** What the page may load, and where it lies. */
const FILES = {
  '/axios.js': 'node_modules/axios/dist/esm/axios.js',
  '/index.js': 'dist/index.js',
  '/checks.mjs': '__tests__/browser/checks.mjs',
  '/run-checks.mjs': '__tests__/axios-versions/run-checks.mjs',
};
const IMPORTS = { axios: '/axios.js', 'axios-priority-adapter': '/index.js' };
const PAGE = `<!doctype html><title>checks</title><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;

const FLAGS = [
  '--no-sandbox', // Chromium has none for root, as which containers run
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const { chromium } = await import('playwright-core').catch(() => missing('playwright-core', 'npm ci'));
if (!existsSync(executablePath)) {
  missing(`Chromium (${executablePath})`, 'apt-get install chromium, or set CHROMIUM_PATH to a Chromium or Chrome');
}
process.exit((await run()) > 0 ? 1 : 0);

function missing(what, remedy) {
  console.error(`test:browser needs ${what}, which is not here: ${remedy}`);
  process.exit(1);
}

/** Returns how many checks failed. */
async function run() {
  const [backends, refused, pages] = await Promise.all([startBackends(), refusedOrigin(), startPages()]);
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  let passed = 0;
  let failed = 0;
  try {
    for (const over of ['xhr', 'fetch']) {
      const started = performance.now();
      const result = await checkIn(
        browser,
        `http://127.0.0.1:${pages.address().port}/`,
        over,
        backends.origin,
        refused,
      );
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const counts = `${result.passed} passed, ${result.failures.length} failed`;
      console.log(`Chromium ${browser.version()} over ${over.padEnd(5)} ${counts} (${seconds} s)`);
      printFailures(result.failures, over);
      passed += result.passed;
      failed += result.failures.length;
    }
  } finally {
    await browser.close();
    await backends.close();
    pages.closeAllConnections();
    pages.close();
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed;
}

/** Runs the checks of one adapter in a page of its own. What the page throws outside of them is a failure too. */
async function checkIn(browser, url, ...about) {
  const page = await browser.newPage();
  const stray = [];
  page.on('pageerror', ({ name, message, stack }) =>
    stray.push({ name: 'stray error', stack: stack ?? `${name}: ${message}` }),
  );
  await page.goto(url);
  const result = await page.evaluate(async (args) => (await import('/checks.mjs')).check(...args), about);
  await page.close();
  return { ...result, failures: [...result.failures, ...stray] };
}

async function startPages() {
  const server = createServer((request, response) => void serve(request.url, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function serve(url, response) {
  if (url === '/') {
    response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
  } else if (url in FILES) {
    const source = await readFile(join(root, FILES[url]));
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(source);
  } else {
    response.writeHead(404).end();
  }
}
