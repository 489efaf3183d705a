/** Runs the built package in a headless Chromium, over both adapters that axios has there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import ts from 'typescript';
import { FakeBackend, refusedOrigin, replyByPath } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';
import { checksOf } from './checks';

const root = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const IMPORTS = { axios: '/node_modules/axios/dist/esm/axios.js', '/src': '/dist/index.js' };

const PAGE = `<!doctype html><title>checks</title><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;

/** Serves the page, and modules of this repository: TypeScript is transpiled. */
const serve: Reply = (_, response, { url }) => {
  const respond = (type: string, content: string) => response.writeHead(200, { 'content-type': type }).end(content);
  if (url === '/') respond('text/html', PAGE);
  else if (url.endsWith('.ts')) respond('text/javascript', transpiled(read(url)));
  else if (existsSync(join(root, url))) respond('text/javascript', read(url));
  else response.writeHead(404).end();
};

function transpiled(source: string): string {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

const FLAGS = [
  '--no-sandbox', // Chromium has no sandbox for root, which is who runs in containers
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;
let pages: FakeBackend;
let backends: FakeBackend;
let refused: string;

beforeAll(async () => {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(`There is no ${executablePath}: apt-get install chromium, or set CHROMIUM_PATH to a Chromium`);
  }
  [pages, backends, refused] = await Promise.all([FakeBackend.start(), FakeBackend.start(), refusedOrigin()]);
  pages.always(serve);
  backends.always(replyByPath);
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([pages?.close(), backends?.close()]);
});

describe.each(['xhr', 'fetch'] as const)('in Chromium over %s,', (over) => {
  const uncaught: string[] = [];
  let page: Page;

  beforeAll(async () => {
    page = await browser.newPage();
    page.on('pageerror', (error) => uncaught.push(error.stack ?? String(error)));
    await page.goto(pages.url);
  });

  test.each(Object.keys(checksOf(over, '', '')))('%s', async (name) => {
    const args = JSON.stringify([over, backends.url, refused]);
    // As text: a function would be transpiled for Node, `import()` included.
    await page.evaluate(
      `import('/__tests__/browser/checks.ts').then(({ checksOf }) => checksOf(...${args})[${JSON.stringify(name)}]())`,
    );
    expect(uncaught).toEqual([]);
  });
});
