import { readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rollup } from 'rollup';
import { minify } from 'terser';

const root = new URL('../../', import.meta.url);

/** What each entry of the package adds to a bundle, and which parts of the source the main entry consists of. */
export async function size() {
  const { exports } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
  const figures = [];
  let parts;
  for (const [name, conditions] of Object.entries(exports)) {
    if (conditions.import === undefined) continue;
    const { code, map } = await minified(fileURLToPath(new URL(conditions.import.default, root)));
    const isMain = name === '.';
    if (isMain) parts = byPart(code, new SourceMap(JSON.parse(map)));
    figures.push({
      name: isMain ? 'main entry' : `axios-priority-adapter${name.slice(1)}`,
      value: gzipSync(code, { level: 9 }).length,
      unit: 'bytes',
      ...(isMain && { atMost: 15_000 }),
    });
  }
  const onTop = fileURLToPath(new URL(exports['./fetch'].import.default, root));
  figures.push({
    name: 'fetch entry on top of the shared chunk',
    value: gzipSync((await minified(onTop, (id) => id !== onTop)).code, { level: 9 }).length,
    unit: 'bytes',
    atMost: 4_000,
  });
  return {
    title: 'Size',
    note: 'Each entry of the package as it is published, bundled without axios by rollup, minified by terser and gzipped. The shared chunk is what the main and the fetch entry have in common. Below: the minified bytes of the main entry, by the part of the source that they come from.',
    figures,
    parts,
  };
}

/** An entry with all that it imports from this package and that isn't `external`, minified. */
async function minified(entry, external = (id) => !/^[./]/.test(id)) {
  const bundle = await rollup({
    input: entry,
    external,
    plugins: [{ name: 'source-maps', load: async (id) => ({ code: await read(id), map: await read(`${id}.map`) }) }],
  });
  const { output } = await bundle.generate({ format: 'esm', sourcemap: true });
  await bundle.close();
  const [{ code, map }] = output;
  return minify(code, { module: true, compress: { passes: 2 }, sourceMap: { content: JSON.stringify(map) } });
}

function read(file) {
  return readFile(file, 'utf8');
}

/** Bytes by folder of `src`, or by file for those directly in it. */
function byPart(code, map) {
  const bytes = {};
  for (const [number, line] of code.split('\n').entries()) {
    for (let column = 0; column < line.length; column++) {
      const { originalSource } = map.findEntry(number, column);
      const [, part = 'other'] = /(?:^|\/)src\/([^/]+)/.exec(originalSource ?? '') ?? [];
      bytes[part] = (bytes[part] ?? 0) + 1;
    }
  }
  return Object.entries(bytes).sort(([, a], [, b]) => b - a);
}
