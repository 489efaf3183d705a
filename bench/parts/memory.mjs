import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('memory-run.mjs', import.meta.url));

/** What is held after very many requests, in a process of its own. */
export async function memory({ requests, seed }) {
  const args = ['--expose-gc', program, String(requests), String(seed)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { early, late, outcomes } = JSON.parse(stdout);
  return {
    title: 'Memory',
    note: `${requests.toLocaleString('en')} requests in process over 4 backends that also throttle, fail and break off, given straight to the adapter, 50 at a time, of 3,000 deployments, some with a \`timeout\` and all with one \`signal\`: heap in use after a forced collection, at the end against after the first tenth.`,
    figures: [
      { name: 'heap in use: at the end / after a tenth', value: late / early, atMost: 1.1 },
      { name: 'heap in use at the end', value: late / 1e6, unit: 'MB' },
      { name: 'requests that failed', value: outcomes.failed / requests, unit: '%' },
      { name: 'attempts per request', value: outcomes.attempts / requests, unit: '' },
    ],
  };
}
