import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attachPriorityAdapter } from 'axios-priority-adapter';
import axios from 'axios';
import { generate } from 'openapi-typescript-codegen';
import ts from 'typescript';
import { backends, print, tried } from './pool.mjs';

const response = { 200: { description: 'ok', content: { 'application/json': { schema: { type: 'object' } } } } };
const input = {
  openapi: '3.0.0',
  info: { title: 'chat', version: '1' },
  paths: { '/x': { post: { operationId: 'complete', responses: response } } },
};
await generate({ input, output: './generated', httpClient: 'axios', exportSchemas: false });

// The generated client uses the default instance of axios unless it is given another one.
const source = readFileSync('./generated/core/request.ts', 'utf8');
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: false };
for (const name of ['request', 'ApiError', 'CancelablePromise']) {
  const text = name === 'request' ? source : readFileSync(`./generated/core/${name}.ts`, 'utf8');
  const { outputText } = ts.transpileModule(text, { compilerOptions });
  writeFileSync(`./generated/core/${name}.js`, outputText.replace(/from '(\.\/\w+)'/g, "from '$1.js'"));
}
const { request } = await import(`${dirname(fileURLToPath(import.meta.url))}/generated/core/request.js`);

const instance = axios.create();
let attempts = [];
instance.interceptors.response.use((answer) => {
  attempts = answer.attempts;
  return answer;
});
attachPriorityAdapter(instance, backends);
const config = { BASE: '', VERSION: '1', WITH_CREDENTIALS: false, CREDENTIALS: 'include' };
const data = await request(config, { method: 'POST', url: '/x', body: { a: 1 } }, instance);
print({ data, tried: tried(attempts) });
