/**
 * The process of one part. V8 optimises code for what it has seen, so parts that shared a process would change each
 * other's figures. It ends with its parent.
 */
import { pinClient } from './cores.mjs';

process.on('disconnect', () => process.exit());
process.once('message', async ({ file, quick, seed }) => {
  pinClient();
  const [part] = Object.values(await import(`./parts/${file}`));
  const ms = (full) => (quick ? full / 50 : full);
  process.send({ result: await part({ quick, ms, requests: quick ? 5_000 : 1_000_000, seed }) });
});
