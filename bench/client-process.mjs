/** The process of one client, for `apart.mjs`. It answers `round` with the ms that the round took, and ends with its parent. */
import { pinClient } from './cores.mjs';
import { timed } from './measure.mjs';
import * as rounds from './rounds.mjs';

pinClient();
let run;

process.on('disconnect', () => process.exit());
process.on('message', async (message) => {
  if (message !== 'round') {
    run = rounds[message.kind](message.options);
    return process.send('ready');
  }
  process.send(await timed(run));
});
