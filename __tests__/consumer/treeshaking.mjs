import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rollup } from 'rollup';

const NAME = 'axios-priority-adapter';

/** What a bundler may leave out of an application. */
export function treeshakingChecks({ folder }) {
  return {
    async 'imported for nothing, leaves nothing in a bundle'() {
      assert.equal((await bundled(folder, `import '${NAME}';`)).trim(), '');
      assert.equal((await bundled(folder, `import { priorityAdapter } from '${NAME}';`)).trim(), '');
    },
    async 'does nothing when it is imported, also in the eyes of a bundler that does not take its word'() {
      assert.equal((await bundled(folder, `import '${NAME}';`, true)).trim(), '');
    },
    async 'parseRetryAfter alone leaves the adapter out of a bundle'() {
      const all = await bundled(folder, `export * from '${NAME}';`);
      const one = await bundled(folder, `export { parseRetryAfter } from '${NAME}';`);
      assert.match(one, /function parseRetryAfter\(/);
      assert.match(all, /class BackendPool\b/);
      assert.doesNotMatch(one, /class (?:BackendPool|Journey)\b|from 'axios'|import 'axios'/);
      const share = one.length / all.length;
      assert.ok(share < 0.15, `it is ${(100 * share).toFixed(1)} % of the whole`);
      return `${(100 * share).toFixed(1)} % of the whole`;
    },
  };
}

/**
 * The application's bundle, as a bundler makes it that goes by `sideEffects` of the package's manifest.
 *
 * @param distrusts whether it looks for side effects itself instead
 */
async function bundled(folder, code, distrusts = false) {
  const { sideEffects, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const resolved = {
    application: { id: 'application', moduleSideEffects: true },
    [NAME]: { id: join(folder, exports['.'].import.default), moduleSideEffects: distrusts || sideEffects !== false },
    axios: { id: 'axios', external: true, moduleSideEffects: false },
  };
  const bundle = await rollup({
    input: 'application',
    plugins: [
      { name: 'node', resolveId: (id) => resolved[id], load: (id) => (id === 'application' ? code : undefined) },
    ],
    // An empty bundle is what is wanted here.
    onwarn: () => undefined,
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return output[0].code;
}
