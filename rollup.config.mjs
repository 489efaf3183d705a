import typescript from '@rollup/plugin-typescript';
import { dts } from 'rollup-plugin-dts';
import { inlinePage } from './src/status-page/page/build.mjs';

await inlinePage();

/** The entry points. What they share is in one chunk, so that a pool made through one works in the others. */
const input = {
  index: 'src/index.ts',
  fetch: 'src/fetch.ts',
  sharing: 'src/sharing.ts',
  'status-page': 'src/status-page.ts',
};
const SHARED = /\/src\/(?:base|http|pool|failover)\//;
const external = ['axios', /^node:/];

/** Each kind of module gets types of its own kind: a `.d.ts` beside ESM, a `.d.cts` beside CommonJS. */
export default [
  {
    input,
    external,
    plugins: [
      // The sources are not published beside their maps, so the maps hold them.
      typescript({ include: ['src/**'], noEmit: false, noEmitOnError: true, sourceMap: true, inlineSources: true }),
    ],
    output: [
      { ...files('js'), format: 'esm', sourcemap: true },
      // axios's CommonJS build is its own default export.
      { ...files('cjs'), format: 'cjs', sourcemap: true, interop: 'compat' },
    ],
  },
  {
    input,
    external,
    plugins: [dts({ compilerOptions: { stripInternal: true } })],
    output: [files('d.ts'), { ...files('d.cts'), plugins: [withoutErrorType()] }],
  },
];

function files(extension) {
  return {
    dir: 'dist',
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `[name].${extension}`,
    manualChunks: (id) => (SHARED.test(id) ? 'core' : undefined),
  };
}

/** In axios's types for CommonJS `AxiosError` is an alias, which cannot be augmented. */
function withoutErrorType() {
  return {
    name: 'without-error-type',
    renderChunk: (code) => code.replace(/\n {4}interface AxiosError \{[\s\S]*?\n {4}\}/, ''),
  };
}
