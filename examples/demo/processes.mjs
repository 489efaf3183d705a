import { fork } from 'node:child_process';
import { processTransport } from 'axios-priority-adapter/sharing';
import Table from 'cli-table3';
import { startLimited } from './endpoints.mjs';
import { InputError } from './input.mjs';

/** ms between two requests of a process, on average, and how long they are sent */
const GAP = 100;
const DURATION = 8_000;
/** ms of a window. The quota of the first endpoint is for half of the requests in it. */
const WINDOW = 2_000;

/**
 * Lets several processes send requests, each with a pool that is alone and with one that shares its cooldowns, and prints how
 * many calls were refused.
 *
 * @param count of processes
 * @returns whether every request was answered
 */
export async function compareProcesses(count, { deployment, apiVersion }) {
  const { REDIS_URL } = process.env;
  console.log(
    `${count} processes share over ${REDIS_URL ? 'Redis' : 'IPC (REDIS_URL is not set)'}. ` +
      `Each sends a request every ${GAP} ms\nfor ${DURATION / 1_000} s. ` +
      `The first endpoint has a quota for half of them, in windows of ${WINDOW / 1_000} s.\n`,
  );
  const quota = { calls: Math.round((count * WINDOW) / GAP / 2), ms: WINDOW };
  // Each way has endpoints of its own, so that neither uses up the quota of the other.
  const ways = await Promise.all([1, 2].map(() => startLimited(deployment, quota)));
  const children = Array.from({ length: count }, () => fork(new URL('process.mjs', import.meta.url), { execArgv: [] }));
  try {
    // It relays between the processes, and is not needed with Redis.
    if (!REDIS_URL) processTransport({ children });
    await Promise.all(children.map((child) => heardBy(child, 'isReady')));
    const url = `/openai/deployments/${encodeURIComponent(deployment)}/chat/completions?api-version=${apiVersion}`;
    const backends = ways.map((way) => way.backends);
    const counts = children.map((child) => heardBy(child, 'counts'));
    for (const child of children) child.send({ start: { backends, url, gap: GAP, duration: DURATION } });
    return report(await Promise.all(counts));
  } finally {
    for (const child of children) child.kill();
    await Promise.all(ways.map((way) => way.close()));
  }
}

function heardBy(child, field) {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => Object.hasOwn(message, field) && resolve(message[field]));
    child.once('exit', () => reject(new InputError('a process ended early')));
  });
}

function report(processes) {
  const table = new Table({
    head: ['', 'answered', 'refused', 'refused per answer'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const rows = ['without sharing', 'with sharing'].map((name, way) => {
    const sum = (field) => processes.reduce((total, counts) => total + counts[way][field], 0);
    return { name, answered: sum('answered'), refused: sum('refused'), lost: sum('lost') };
  });
  for (const { name, answered, refused } of rows)
    table.push([name, answered, refused, (refused / Math.max(1, answered)).toFixed(3)]);
  const lost = rows.reduce((total, row) => total + row.lost, 0);
  console.log(`${table.toString()}\n\n${lost} requests lost.`);
  return lost === 0;
}
