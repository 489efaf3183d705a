/**
 * Makes one text of the page's sources, and writes it as a module, `inlined.ts`. So the library, its tests and its build
 * import the page as they import anything. With `--check`, only looks whether the module is up to date.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { rollup } from 'rollup';
import { minify } from 'terser';
import ts from 'typescript';

const folder = import.meta.dirname;
const target = join(folder, '../inlined.ts');
const read = (file) => readFileSync(join(folder, file), 'utf8');

/** Lets rollup read TypeScript. The types are checked elsewhere. */
const typescript = {
  name: 'typescript',
  resolveId: (id, importer) => (id.startsWith('.') && importer ? join(dirname(importer), `${id}.ts`) : null),
  transform: (code) => ts.transpileModule(code, { compilerOptions: { target: 'ES2022', module: 'ESNext' } }).outputText,
};

async function script() {
  const bundle = await rollup({ input: join(folder, 'page.ts'), plugins: [typescript] });
  const { output } = await bundle.generate({ format: 'es' });
  const { code } = await minify(output[0].code, { module: true, ecma: 2020, mangle: { properties: { regex: /^#/ } } });
  if (/<\/script|<!--/i.test(code)) throw new Error('the script would end its element');
  return code;
}

const style = () =>
  read('page.css')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,]) ?/g, '$1')
    .replace(/: /g, ':')
    .trim();

const hashOf = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

/** Returns the module's text. */
async function inline() {
  const [code, css] = [await script(), style()];
  const html = read('page.html').replace(/\n\s*/g, '\n');
  const page = html
    .replace('<style></style>', () => `<style>${css}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${code}</script>`);
  const module = `// Made by page/build.mjs of the files beside it.\n
    /** The page. \`{{title}}\` stands for its title. */
    export const PAGE = ${JSON.stringify(page)};
    /** For the \`Content-Security-Policy\`. */
    export const SCRIPT_HASH = '${hashOf(code)}';
    export const STYLE_HASH = '${hashOf(css)}';`;
  return format(module, { ...(await resolveConfig(target)), parser: 'typescript' });
}

/** Writes the module if it isn't up to date. */
export async function inlinePage() {
  const text = await inline();
  if (text !== readFileSync(target, { encoding: 'utf8', flag: 'a+' })) writeFileSync(target, text);
}

if (process.argv[2] === '--check') {
  if ((await inline()) !== readFileSync(target, 'utf8')) throw new Error('inlined.ts is not up to date: npm run build');
} else if (process.argv[1] === import.meta.filename) await inlinePage();
