/** The process of one client, for `apart.mjs`. It answers `round` with the ms that the round took, and ends with its parent. */
import { setImmediate } from 'node:timers/promises';
import { pinClient } from './cores.mjs';
import * as rounds from './rounds.mjs';

pinClient();
let run;

process.on('disconnect', () => process.exit());
process.on('message', async (message) => {
  if (message !== 'round') {
    run = rounds[message.kind](message.options);
    return process.send('ready');
  }
  const started = performance.now();
  await run();
  // What it leaves to the event loop belongs to the round.
  await setImmediate();
  process.send(performance.now() - started);
});
