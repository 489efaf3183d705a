/** Runs the built package in a headless Chromium, over both adapters that axios has there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { refusedOrigin, replyByPath, startBackends } from '../support/fake-backend';
import type { FakeBackend, Reply } from '../support/fake-backend';
import { readInRoot, transpiled } from '../support/bundle';
import { launchChromium } from '../support/chromium';
import { allChecks } from '../runtimes/program';
import type { Place } from '../support/checks';

const root = join(__dirname, '../..');

const IMPORTS = {
  axios: '/node_modules/axios/dist/esm/axios.js',
  '/src': '/dist/index.js',
  '/src/fetch': '/dist/fetch.js',
};

const PAGE = `<!doctype html><title>checks</title><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;

/** Serves the page, and modules of this repository: TypeScript is transpiled. */
const serve: Reply = (_, response, { url }) => {
  const respond = (type: string, content: string) => response.writeHead(200, { 'content-type': type }).end(content);
  if (url === '/') respond('text/html', PAGE);
  else if (existsSync(join(root, `${url}.ts`))) respond('text/javascript', transpiled(readInRoot(`${url}.ts`)));
  else if (existsSync(join(root, url))) respond('text/javascript', readInRoot(url));
  else response.writeHead(404).end();
};

let browser: Browser;
let pages: FakeBackend;
let backends: FakeBackend;
let elsewhere: FakeBackend;
let refused: string;

const origins = (): Omit<Place, 'over'> => ({
  origin: backends?.url ?? '',
  elsewhere: elsewhere?.url ?? '',
  refused: refused ?? '',
  showsRedirects: false,
});

beforeAll(async () => {
  [pages, backends, elsewhere] = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
  refused = await refusedOrigin();
  pages.always(serve);
  backends.always(replyByPath);
  elsewhere.always(replyByPath);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([pages, backends, elsewhere].map((server) => server?.close()));
});

describe.each(['xhr', 'fetch'] as const)('in Chromium over %s,', (over) => {
  const uncaught: string[] = [];
  let page: Page;

  beforeAll(async () => {
    page = await browser.newPage();
    page.on('pageerror', (error) => uncaught.push(error.stack ?? String(error)));
    await page.goto(pages.url);
  });

  test.each(Object.keys(allChecks({ over, ...origins() })))('%s', async (name) => {
    const args = JSON.stringify({ over, ...origins() });
    // As text: a function would be transpiled for Node, `import()` included.
    await page.evaluate(
      `import('/__tests__/runtimes/program').then(({ allChecks }) => allChecks(${args})[${JSON.stringify(name)}]())`,
    );
    expect(uncaught).toStrictEqual([]);
  });
});
