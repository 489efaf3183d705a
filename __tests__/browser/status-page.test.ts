/** The status page in a headless Chromium, while real requests run against real backends. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import type { AxiosInstance } from 'axios';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { BackendPool, priorityAdapter } from '../../src';
import { statusPage } from '../../src/status-page';
import type { StatusPage } from '../../src/status-page';
import { readInRoot } from '../support/bundle';
import { launchChromium } from '../support/chromium';
import { startBackends, throttle } from '../support/fake-backend';
import type { FakeBackend, Reply } from '../support/fake-backend';

const EVIL = '<img src=x onerror="document.title=1">';
const WAIT = { timeout: 10_000 };

let browser: Browser;
let ptu: FakeBackend;
let payg: FakeBackend;
let pool: BackendPool;
let other: BackendPool;
let client: AxiosInstance;
let handler: StatusPage;
let server: Server;
let page: Page;
let uncaught: string[];

const portOf = () => (server.address() as AddressInfo).port;

async function serve(port = 0): Promise<void> {
  handler = statusPage({ chat: pool, [EVIL]: other }, { title: 'Our backends', history: 60_000 });
  server = createServer(handler).listen(port, '127.0.0.1');
  await once(server, 'listening');
}

async function stop(): Promise<void> {
  handler.close();
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function open(options: BrowserContextOptions = {}): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  uncaught = [];
  page.on('pageerror', (error) => uncaught.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    // A violation of the policy is told here. So is a lost connection.
    const text = message.text();
    if (message.type() === 'error' && !/ERR_CONNECTION|ERR_INCOMPLETE/.test(text)) uncaught.push(text);
  });
  await page.goto(`http://127.0.0.1:${String(portOf())}/`);
  await page.getByText('Live', { exact: true }).waitFor(WAIT);
}

const row = (name: string) => page.getByRole('row', { name });
const cellOf = (name: string, text: string) => row(name).getByRole('cell', { name: text, exact: true }).first();
const call = () => client.post('/openai/deployments/gpt-4o/chat/completions', {}, { validateStatus: null });

/** How much is left of the bar of the cooldown that was asked for by hand, from 0 to 1. */
async function lengthOfBar(): Promise<number> {
  const style = await page.locator('.cooldown', { hasText: 'by hand' }).locator('.bar').getAttribute('style');
  return Number(/scaleX\((.*)\)/.exec(style ?? '')?.[1]);
}

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser?.close());

beforeEach(async () => {
  [ptu, payg] = (await startBackends(2)) as [FakeBackend, FakeBackend];
  pool = new BackendPool([
    { name: 'ptu-eastus', baseURL: ptu.url, apiKey: 'secret' },
    { name: 'payg-westus', baseURL: payg.url, priority: 2 },
  ]);
  other = new BackendPool([{ name: EVIL, baseURL: payg.url }]);
  client = axios.create({ adapter: priorityAdapter(pool) });
  await serve();
});

afterEach(async () => {
  await page?.close();
  await stop();
  await Promise.all([ptu.close(), payg.close()]);
  expect(uncaught).toStrictEqual([]);
});

test('names, states, counts and bars change as requests run', async () => {
  await open();
  await expect(page.title()).resolves.toBe('Our backends');
  await row('ptu-eastus').getByText('Available').waitFor(WAIT);

  ptu.script({}, {}).always({ status: 503 });
  for (let i = 0; i < 8; i++) await call();
  await cellOf('ptu-eastus', '2').waitFor(WAIT);
  pool.cool('ptu-eastus', 30_000);
  await row('ptu-eastus').getByText('Cooling').waitFor(WAIT);
  await row('ptu-eastus')
    .getByText(/^\d+ s left$/)
    .first()
    .waitFor(WAIT);
  await expect(page.title()).resolves.toBe('(1 out) Our backends');
  await page.getByText('2 backends: 1 available, 1 cooling').waitFor(WAIT);

  const before = await lengthOfBar();
  expect(before).toBeGreaterThan(0);
  while ((await lengthOfBar()) >= before) await page.waitForTimeout(50);

  pool.restore('ptu-eastus');
  await row('ptu-eastus').getByText('Available').waitFor(WAIT);
  await expect(page.locator('.cooldown').count()).resolves.toBe(0);
  pool.update([{ name: 'newcomer', baseURL: payg.url }]);
  await row('newcomer').waitFor(WAIT);
  await expect(row('ptu-eastus').count()).resolves.toBe(0);
});

test('the end of a cooldown is shown without a request', async () => {
  await open();
  pool.cool('ptu-eastus', 2_500);
  await row('ptu-eastus').getByText('Cooling').waitFor(WAIT);
  await row('ptu-eastus').getByText('Available').waitFor(WAIT);
});

test('deployments that are out, the timeline and the events are shown, even on a page opened later', async () => {
  ptu.script({}).always(throttle(60_000));
  payg.script({ status: 500 });
  for (let i = 0; i < 5; i++) await call();
  await open();
  const section = page.getByRole('region', { name: 'chat' });
  await row('ptu-eastus').getByText('gpt-4o: throttled').waitFor(WAIT);
  await section.getByText('1 deployment out').waitFor(WAIT);
  for (const words of [/ptu-eastus refused gpt-4o after .*: 429, throttled/, /gpt-4o on ptu-eastus is out for 1 min/]) {
    await section.getByText(words).first().waitFor(WAIT);
  }
  for (const style of ['answered', 'throttled', 'failed']) {
    const drawn = section.locator(`.lane path.${style}:not([d=""])`);
    await drawn.first().waitFor({ ...WAIT, state: 'attached' });
  }
  await expect(section.locator('.lane rect.out').count()).resolves.toBeGreaterThan(0);
  const text = await section.locator('figure .unseen').textContent();
  expect(text).toMatch(/^The last 1 min\. ptu-eastus: 1 answered, 1 throttled, 0 failed\. payg-westus: \d answered/);
});

test('updates keep the elements, so nothing flickers and the focus stays', async () => {
  await open();
  await page.evaluate(`document.querySelector('tbody tr').marked = true`);
  await page.keyboard.press('Tab');
  const focused = () => page.evaluate(`document.activeElement.getAttribute('aria-label')`);
  await expect(focused()).resolves.toBe('Latest events of chat');
  await call();
  await cellOf('ptu-eastus', '1').waitFor(WAIT);
  await expect(page.evaluate(`document.querySelector('tbody tr').marked`)).resolves.toBe(true);
  await expect(focused()).resolves.toBe('Latest events of chat');
});

test('a change of state is announced to screen readers', async () => {
  await open();
  pool.cool('ptu-eastus', 30_000);
  await page.locator('#changes[role=status]', { hasText: 'ptu-eastus: Cooling' }).waitFor({
    ...WAIT,
    state: 'attached',
  });
});

test('a name that looks like markup is shown as text', async () => {
  await open();
  await page.getByRole('heading', { name: EVIL }).waitFor(WAIT);
  await row(EVIL).waitFor(WAIT);
  await expect(page.locator('img').count()).resolves.toBe(0);
});

test('a lost connection is shown, and the page continues when it is back', async () => {
  await open();
  const port = portOf();
  await stop();
  await page.getByText(/^Connection lost at \d\d:\d\d:\d\d/).waitFor(WAIT);
  pool.cool('ptu-eastus', 60_000);
  await serve(port);
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 });
  await row('ptu-eastus').getByText('Cooling').waitFor(WAIT);
});

describe.each(['light', 'dark'] as const)('in %s,', (colorScheme) => {
  test.each([1280, 901, 800, 360])('axe finds nothing and nothing scrolls sideways at %d px', async (width) => {
    const long = `a-backend-with-quite-a-long-name-${'x'.repeat(60)}`;
    pool.update([
      { name: 'ptu-eastus', baseURL: ptu.url },
      { name: 'payg-westus', baseURL: payg.url, priority: 2 },
      { name: long, baseURL: `https://${'sub.'.repeat(20)}example.com/a/long/path`, priority: 3 },
    ]);
    const tooLong: Reply = { status: 429, headers: { 'retry-after': '9999' } };
    ptu.script({}, tooLong).always({ status: 503 });
    payg.script({}).always(throttle(60_000));
    for (let i = 0; i < 6; i++) await call();
    pool.cool('ptu-eastus', 60_000);
    pool.cool(long, 60_000, 'a-deployment-'.repeat(8));
    await open({ colorScheme, viewport: { width, height: 800 } });
    await row('ptu-eastus').getByText('Cooling').waitFor(WAIT);
    const widths = `[document.documentElement.scrollWidth, document.documentElement.clientWidth]`;
    expect(await page.evaluate(widths)).toStrictEqual([width, width]);
    const sides = `[...document.querySelectorAll('tbody th')].map((each) => each.getBoundingClientRect().left)`;
    expect(new Set(await page.evaluate<number[]>(sides)).size).toBe(1);
    await page.evaluate(readInRoot('node_modules/axe-core/axe.min.js'));
    const violations = await page.evaluate(
      `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))`,
    );
    expect(violations).toStrictEqual([]);
  });
});
