import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('memory-run.mjs', import.meta.url));

/** What a process holds after very many requests. */
export async function memory({ requests, seed }) {
  const args = ['--expose-gc', program, String(requests), String(seed)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { early, late, outcomes } = JSON.parse(stdout);
  return {
    title: 'Memory',
    note: `${requests.toLocaleString('en')} requests to 3,000 deployments, 50 at a time, sent straight to an adapter over 4 backends that also throttle, fail and break connections. Some have a \`timeout\`, some share a \`signal\`. Heap in use after a forced garbage collection.`,
    figures: [
      { name: 'heap at the end against that after a tenth', value: late / early, atMost: 1.1 },
      { name: 'heap at the end', value: late / 1e6, unit: 'MB' },
      { name: 'failed requests', value: outcomes.failed / requests, unit: '%' },
      { name: 'attempts per request', value: outcomes.attempts / requests, unit: '' },
    ],
  };
}
