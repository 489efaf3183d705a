/**
 * Records a failover over three endpoints on loopback, and draws it as the timeline in the README.
 *
 *     npm run picture            writes docs/failover-light.svg and docs/failover-dark.svg
 *     npm run picture -- FOLDER  writes them to another folder
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { draw } from './picture/draw.mjs';
import { record } from './picture/record.mjs';
import { startEndpoints } from './picture/endpoints.mjs';

const folder = process.argv[2] ?? import.meta.dirname;

const { backends, close } = await startEndpoints();
try {
  const recording = await record(backends);
  const { requests, answered, attempts } = recording;
  const kinds = new Set(attempts.map(({ status }) => status));
  // The text beside the picture tells of a throttled and a failed attempt, and of no lost request.
  if (answered !== requests || ![200, 429, 500].every((status) => kinds.has(status))) {
    throw new Error(`cannot draw this run: ${answered} of ${requests} answered, statuses ${[...kinds].join(', ')}`);
  }
  await mkdir(folder, { recursive: true });
  for (const theme of ['light', 'dark']) {
    await writeFile(join(folder, `failover-${theme}.svg`), `${draw(recording, theme)}\n`);
  }
  console.log(`${requests} requests, ${attempts.length} attempts, all requests answered; drawn into ${folder}`);
} finally {
  await close();
}
