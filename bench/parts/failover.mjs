import { chatting, Clients } from '../loopback.mjs';
import { inTurn, ratio, sequence } from '../measure.mjs';
import { startServers } from '../servers/start.mjs';

const REQUESTS = 5;

/** A failover against what it cannot do without: the refused request, and the one that is answered. */
export async function failover({ ms }) {
  const servers = await startServers([{ kind: 'throttled', wait: 43 }, { kind: 'chat' }]);
  const clients = new Clients();
  const [refusing, answering] = servers.urls.map((url) => chatting(clients.plain(url, { validateStatus: () => true })));
  const { pool, client } = clients.ours(servers.urls, {}, (i) => ({ priority: i + 1 }));
  const ask = chatting(client);
  const rounds = {
    two: sequence(REQUESTS, async () => {
      await refusing();
      await answering();
    }),
    ours: sequence(REQUESTS, async () => {
      pool.restore('backend-0');
      const { attempts } = await ask();
      if (attempts.length !== 2) throw new Error(`a failover takes two attempts, not ${attempts.length}`);
    }),
  };
  const times = await inTurn(rounds, { ms: ms(5000), warmUp: ms(1000) });
  clients.close();
  await servers.stop();
  return {
    title: 'Failover',
    note: `One backend answers 429 with \`retry-after-ms: 43\`, the next 200, against plain requests to the same two one after the other. \`pool.restore\` makes the first available again before each, within the time that is measured. Rounds of ${REQUESTS}, in turn.`,
    figures: [{ name: 'a failover / two plain requests', ...ratio(times.ours, times.two), atMost: 1.1 }],
  };
}
