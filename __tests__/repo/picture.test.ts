import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '../..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'picture-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Why a text is not well-formed XML, or `undefined` if it is. It knows only what occurs in a drawing. */
function fault(xml: string): string | undefined {
  const open: string[] = [];
  const tag = /<(\/?)([a-z][\w:]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|<!\[CDATA\[[\s\S]*?\]\]>|[^<>]+/giy;
  const trimmed = xml.trim();
  for (let at = 0; at < trimmed.length; at = tag.lastIndex) {
    const found = tag.exec(trimmed);
    if (found === null) return `at ${String(at)}: ${trimmed.slice(at, at + 80)}`;
    const [text, closing, name = '', , empty] = found;
    if (/&(?!(?:\w+|#\d+|#x[\da-f]+);)/i.test(text) && !text.startsWith('<![CDATA[')) return `a bare & in ${text}`;
    if (name === '') continue;
    if (closing === '/' && open.pop() !== name) return `an end of ${name} that has no beginning`;
    if (closing === '' && empty === '') open.push(name);
  }
  return open.length > 0 ? `${open.join(', ')} without an end` : undefined;
}

test('the XML check of this file notices malformed XML', () => {
  for (const bad of ['<a><b></a></b>', '<a x="1" y="a "b" c"/>', '<a>', '<a>&</a>', '<a>b < c</a>']) {
    expect(fault(bad)).toBeDefined();
  }
  expect(fault('<a x="1"><b/>text &amp; <![CDATA[<&>]]></a>')).toBeUndefined();
});

test('docs/picture.mjs draws the picture from a failover that it runs', () => {
  const printed = execFileSync(process.execPath, [join(root, 'docs/picture.mjs'), folder], { encoding: 'utf8' });
  expect(printed).toMatch(/^32 requests, 3[4-9] attempts, all requests answered/);
});

test.each(['light', 'dark'])('the picture for a %s page is well-formed and has its labels', (theme) => {
  for (const place of [folder, join(root, 'docs')]) {
    const svg = readFileSync(join(place, `failover-${theme}.svg`), 'utf8');
    expect(fault(svg)).toBeUndefined();
    expect(svg).toMatch(/^<svg [^>]*aria-label="[^"]+"[^>]* width="800"/);
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, words]) => words);
    for (const words of [
      'ptu-eastus',
      'payg-westus',
      'payg-sweden',
      'throttled (429)',
      'failed (500)',
      'on cooldown',
    ]) {
      expect(texts).toContain(words);
    }
    // The 429 of the PTU specified a wait in ms. The 500 didn't specify any.
    expect(texts).toContainEqual(expect.stringMatching(/^\d+ ms, as asked$/));
    expect(texts).toContainEqual(expect.stringMatching(/^1[01]\d ms, a first failure$/));
    // The text has the colour of this theme alone.
    expect(svg.includes('#1f2328')).toBe(theme === 'light');
    expect(svg.includes('#e6edf3')).toBe(theme === 'dark');
  }
});
