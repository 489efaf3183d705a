import { chatting, Clients } from '../loopback.mjs';
import { inTurn, ratio, sequence } from '../measure.mjs';
import { startServers } from '../servers/start.mjs';

const SEQUENTIAL = 10;
const CALLERS = 16;

/** The same over loopback HTTP, where a request costs what the smallest request there is costs. */
export async function loopback({ ms }) {
  const servers = await startServers([{ kind: 'chat' }]);
  const clients = new Clients();
  const [url] = servers.urls;
  const plain = chatting(clients.plain(url));
  // One server behind three names: who answers is the same for both.
  const ours = chatting(clients.ours([`${url}/a`, `${url}/b`, `${url}/c`]).client);
  const single = await inTurn(
    { plain: sequence(SEQUENTIAL, plain), ours: sequence(SEQUENTIAL, ours) },
    { ms: ms(6000), warmUp: ms(1500) },
  );
  const many = (ask) => () => Promise.all(Array.from({ length: CALLERS }, sequence(3, ask)));
  const concurrent = await inTurn({ plain: many(plain), ours: many(ours) }, { ms: ms(3000), warmUp: ms(500) });
  clients.close();
  await servers.stop();
  return {
    title: 'Over loopback HTTP',
    note: `A prompt of 1.5 kB and an answer of 1 kB over keep-alive connections to a server in another process: plain axios, and this package over 3 backends. Rounds of ${SEQUENTIAL} requests one after the other, in turn; and of 3 for each of ${CALLERS} callers at once.`,
    figures: [
      { name: 'one after the other: this package / plain axios', ...ratio(single.ours, single.plain), atMost: 1.03 },
      { name: `${CALLERS} callers at once: this package / plain axios`, ...ratio(concurrent.ours, concurrent.plain) },
    ],
  };
}
