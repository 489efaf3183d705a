import { chatting, LoopbackClients } from '../clients.mjs';
import { interleaved, ratio, round } from '../measure.mjs';
import { startServers } from '../servers.mjs';

const REQUESTS = 50;

/** A failover, compared with the two requests that it consists of. */
export async function failover({ ms }) {
  const servers = await startServers([{ limit: { kind: 'always', wait: 43 } }, {}]);
  const connections = new LoopbackClients();
  const [refused, answered] = servers.urls.map((url) =>
    chatting(connections.plain(url, { validateStatus: () => true })),
  );
  const { pool, client } = connections.ours(servers.urls, {}, (i) => ({ priority: i + 1 }));
  const request = chatting(client);
  const rounds = {
    two: round(REQUESTS, async () => {
      await refused();
      await answered();
    }),
    ours: round(REQUESTS, async () => {
      pool.restore('backend-0');
      const { attempts } = await request();
      if (attempts.length !== 2) throw new Error(`expected a failover, got ${attempts.length} attempts`);
    }),
  };
  const times = await interleaved(rounds, { warmUp: ms(2_000), ms: ms(10_000) });
  connections.close();
  await servers.stop();
  return {
    title: 'Failover',
    note: `One backend answers 429 with \`retry-after-ms: 43\`, the next one 200. Compared with plain requests to both, one after the other. The time includes a \`pool.restore\` that makes the first backend available again. Rounds of ${REQUESTS}.`,
    figures: [{ name: 'a failover against two plain requests', ...ratio(times.ours, times.two), atMost: 1.1 }],
  };
}
