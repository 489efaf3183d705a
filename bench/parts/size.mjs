import { readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';

const ENTRY = new URL('../../dist/index.js', import.meta.url);

/** What the main entry adds to a bundle, and what each source file adds to that. */
export async function size() {
  const [code, content] = await Promise.all([readFile(ENTRY, 'utf8'), readFile(new URL(`${ENTRY}.map`), 'utf8')]);
  const minified = await minify(
    { 'index.js': code },
    {
      module: true,
      compress: { passes: 2 },
      mangle: true,
      format: { comments: false },
      sourceMap: { content, filename: 'index.js' },
    },
  );
  const files = byFile(minified.code, new SourceMap(JSON.parse(minified.map)));
  const whole = gzipped(minified.code);
  const added = [...files].map(([file, owns]) => ({
    file,
    minified: owns.filter(Boolean).length,
    // What would be saved without it: what the others say too is counted for nobody.
    gzipped: whole - gzipped([...minified.code].filter((_, i) => !owns[i]).join('')),
  }));
  return {
    title: 'Size',
    note: 'The main entry, minified by terser and gzipped at level 9; for each source file the minified bytes that stem from it, and by how much the gzipped size would shrink without them.',
    figures: [
      { name: 'minified and gzipped', value: whole, unit: 'bytes', atMost: 10_000 },
      { name: 'minified', value: Buffer.byteLength(minified.code), unit: 'bytes' },
    ],
    files: added.sort((a, b) => b.minified - a.minified),
  };
}

/** For each source file, which characters of the one line of code stem from it. */
function byFile(code, map) {
  const files = new Map();
  let line = 0;
  let column = 0;
  for (let i = 0; i < code.length; i++) {
    const { originalSource } = map.findEntry(line, column);
    const file = originalSource === undefined ? '(none)' : basename(originalSource);
    if (!files.has(file)) files.set(file, []);
    files.get(file)[i] = true;
    column++;
    if (code[i] === '\n') [line, column] = [line + 1, 0];
  }
  return files;
}

function gzipped(text) {
  return gzipSync(text, { level: 9 }).length;
}
