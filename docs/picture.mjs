/**
 * Draws the timeline of a failover that really takes place, over three backends on loopback, for the README:
 *
 *     npm run picture            writes docs/failover-light.svg and docs/failover-dark.svg
 *     npm run picture -- FOLDER  writes them there
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { draw } from './picture/draw.mjs';
import { record } from './picture/record.mjs';
import { startBackends } from './picture/backends.mjs';

const folder = process.argv[2] ?? import.meta.dirname;

const { backends, close } = await startBackends();
try {
  const recording = await record(backends);
  const { requests, answered, attempts } = recording;
  const kinds = new Set(attempts.map(({ status }) => status));
  // Anything else would be another story than the one that is told beside the picture.
  if (answered !== requests || ![200, 429, 500].every((status) => kinds.has(status))) {
    throw new Error(`${answered} of ${requests} requests answered, statuses ${[...kinds].join(', ')}: not to be shown`);
  }
  await mkdir(folder, { recursive: true });
  for (const theme of ['light', 'dark']) {
    await writeFile(join(folder, `failover-${theme}.svg`), `${draw(recording, theme)}\n`);
  }
  console.log(`${requests} requests, ${attempts.length} attempts, all requests answered: drawn into ${folder}`);
} finally {
  close();
}
