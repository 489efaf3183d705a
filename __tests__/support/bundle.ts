/** Programs made of the TypeScript of the tests, over the built package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rollup } from 'rollup';
import type { PartialResolvedId, Plugin } from 'rollup';
import ts from 'typescript';

export const root = join(__dirname, '../..');
export const inRoot = (path: string): string => join(root, path);
export const readInRoot = (path: string): string => readFileSync(inRoot(path), 'utf8');

/** TypeScript as a module of today's JavaScript. */
export function transpiled(source: string): string {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

/** What the imports of axios and of the library's entries stand for. */
export interface Packages {
  readonly axios: PartialResolvedId;
  readonly library: PartialResolvedId;
  readonly fetch: PartialResolvedId;
}

/** Bundles `runtimes/program.ts`. */
export async function bundled(format: 'es' | 'cjs' | 'iife', { axios, library, fetch }: Packages): Promise<string> {
  const plugin: Plugin = {
    name: 'built-package',
    resolveId(id, importer = '') {
      if (id === 'axios') return axios;
      if (id === '../../src') return library;
      if (id === '../../src/fetch') return fetch;
      return id.startsWith('.') && importer.endsWith('.ts') ? join(importer, '..', `${id}.ts`) : null;
    },
    transform: (code, id) => (id.endsWith('.ts') ? transpiled(code) : null),
  };
  const build = await rollup({ input: inRoot('__tests__/runtimes/program.ts'), plugins: [plugin] });
  const { output } = await build.generate({ format, name: 'program', inlineDynamicImports: true, interop: 'auto' });
  return output[0].code;
}
