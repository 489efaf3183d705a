import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import axios from 'axios';
import { startBackends, resetConnection, throttle, closeBackendsAfterEach } from '../support/fake-backend';
import type { Call, Reply, FakeBackend } from '../support/fake-backend';
import { closeServers, examples, root, run, typeProblems } from '../support/readme';
import type { Run } from '../support/readme';

closeBackendsAfterEach();
afterEach(closeServers);

type Three = readonly [FakeBackend, FakeBackend, FakeBackend];

/** What an example does to its three backends: east, west and Sweden. */
interface Example {
  /** By default, the first backend replies with one 429. */
  readonly before?: (backends: Three) => void;
  /** Checks what the backends received and what was printed. */
  readonly after: (backends: Three, run: Run) => void | Promise<void>;
}

const CHAT = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
const keys = ({ calls }: FakeBackend) => calls.map(({ headers }) => headers['api-key']);
const urls = ({ calls }: FakeBackend) => calls.map(({ url }) => url);
const bodyOf = ({ body }: Call) => JSON.parse(body.toString()) as Record<string, unknown>;
const counts = (backends: Three) => backends.map(({ calls }) => calls.length);

/** By heading. An example without an entry must run, no more. */
const expectations: Record<string, Partial<Example>> = {
  Use: {
    before: ([east, west]) => {
      east.always(throttle(60_000));
      west.always({ status: 503 });
    },
    after: ([east, , sweden]) => {
      expect(east.calls).toMatchObject([{ method: 'POST', url: CHAT, headers: { 'api-key': 'east' } }]);
      expect(sweden.calls).toMatchObject([{ method: 'POST', url: CHAT, headers: { authorization: 'Bearer token' } }]);
      expect(keys(sweden)).toEqual([undefined]);
      expect(bodyOf(sweden.lastCall)).toEqual({ messages: [] });
    },
  },

  'PTU in front of pay-as-you-go': {
    after: ([east, west, sweden], { printed }) => {
      expect(keys(east)).toEqual(['east']);
      expect([...keys(west), ...keys(sweden)]).toHaveLength(1);
      expect(printed[0]).toMatch(/^\["ptu: 429","127\.0\.0\.1:\d+: 200"\]$/);
    },
  },

  'Entra ID tokens': {
    after: ([east, west]) => {
      const tokens = [east, west].map(({ lastCall }) => lastCall.headers.authorization);
      expect(tokens).toEqual(Array(2).fill('Bearer token for https://cognitiveservices.azure.com/.default'));
      expect(counts([east, west, east])).toEqual([1, 1, 1]);
    },
  },

  'Several regions with their own deployment names': {
    after: ([east, west]) => {
      expect(urls(east)).toEqual(['/openai/v1/chat/completions']);
      expect(bodyOf(east.lastCall)).toMatchObject({ model: 'gpt-4o' });
      expect(urls(west)).toEqual(['/openai/v1/chat/completions?api-version=2024-06-01']);
      expect(bodyOf(west.lastCall)).toMatchObject({ model: 'gpt-4o-west' });
    },
  },

  'An existing instance': {
    after: ([east, west], { printed }) => {
      expect(urls(west)).toEqual(['/openai/models?api-version=2024-10-21']);
      expect([keys(east), keys(west)]).toEqual([['east'], ['west']]);
      expect(JSON.parse(printed[0] ?? '')).toMatchObject([{ state: 'cooling' }, { state: 'available', successes: 1 }]);
    },
  },

  'A legacy OpenAI client': {
    after: ([east, west], { printed }) => {
      expect(printed).toEqual(['Hello to you']);
      expect([urls(east), urls(west)]).toEqual([[CHAT], [CHAT]]);
      expect(west.lastCall.headers).toMatchObject({ 'api-key': 'west' });
      expect(west.lastCall.headers).not.toHaveProperty('authorization');
    },
  },

  Streaming: {
    before: ([east]) =>
      east.always((_, response) => {
        response.write('data: one\n\n', () => setTimeout(() => response.end('data: two\n\n'), 20));
      }),
    after: ([east], { printed }) => {
      expect(printed).toEqual(['data: one\n\n', 'data: two\n\n']);
      expect(bodyOf(east.lastCall)).toMatchObject({ stream: true });
    },
  },

  'Waiting instead of failing': {
    before: ([east]) => {
      east.script(throttle(80));
      waited.from = performance.now();
    },
    after: ([east]) => {
      expect(urls(east).map((url) => url.slice(0, 14))).toEqual(['/openai/deploy', '/openai/deploy', '/openai/models']);
      expect(performance.now() - waited.from).toBeGreaterThanOrEqual(80);
    },
  },

  'A health endpoint': {
    before: ([east]) => east.script(throttle(60_000)),
    after: async (_, { servers }) => {
      const [server] = servers;
      if (!server!.listening) await once(server!, 'listening');
      const { port } = server!.address() as AddressInfo;
      const { status, data } = await axios.get<object>(`http://127.0.0.1:${String(port)}/`);
      expect(status).toBe(200);
      expect(data).toMatchObject({
        backends: [
          { name: 'ptu', state: 'cooling' },
          { name: 'payg', successes: 1 },
        ],
      });
    },
  },

  Metrics: {
    after: (_, { printed }) => {
      expect(printed[0]).toContain('openai_attempts{backend="ptu",outcome="429"} 1');
      expect(printed[0]).toContain('openai_attempts{backend="payg",outcome="200"} 1');
    },
  },

  'Tests of your own': {
    after: (backends, { printed }) => {
      expect(printed).toEqual(['["east.example: 429","west.example: 200"]']);
      expect(counts(backends)).toEqual([0, 0, 0]);
    },
  },

  'Your own rules': {
    before: ([, west, sweden]) => {
      // The first of them that the user "ada" gets doesn't have the deployment.
      let asked = 0;
      const reply: Reply = (_, response) => void response.writeHead(asked++ === 0 ? 404 : 200).end();
      for (const each of [west, sweden]) each.always(reply);
    },
    after: ([, west, sweden]) => {
      expect([keys(west), keys(sweden)]).toEqual([['west'], ['sweden']]);
      for (const { lastCall } of [west, sweden]) expect(lastCall.headers).toMatchObject({ 'x-user': 'ada' });
    },
  },

  'One pool for several clients, and its events': {
    before: ([east]) => east.always(throttle(60_000)),
    after: ([east, west], { printed }) => {
      // Both requests started before the first 429.
      expect([keys(east), keys(west)]).toEqual([
        ['east', 'east'],
        ['west', 'west'],
      ]);
      expect(printed[0]).toMatch(/^ptu is out for \d+ ms: throttled$/);
      expect(JSON.parse(printed.find((line) => line.startsWith('[')) ?? '')).toMatchObject([
        { name: 'ptu', state: 'cooling', failures: 2 },
        { name: 'payg', successes: 2 },
      ]);
      expect(printed.at(-1)).toBe('ptu is out for 60000 ms: manual');
    },
  },

  'Why did my POST not fail over when the connection was reset?': {
    before: ([east]) => east.script(resetConnection),
    after: ([east, west]) => {
      expect([east, west].map(({ lastCall }) => lastCall.method)).toEqual(['POST', 'POST']);
      expect(keys(west)).toEqual(['west']);
    },
  },

  'How do I get just one attempt?': {
    after: (backends, { printed }) => {
      expect(printed).toEqual(['429 false']);
      expect(counts(backends)).toEqual([1, 0, 0]);
    },
  },

  'How do I use it with axios-retry, and in which order?': {
    before: ([east]) => east.script(throttle(60), throttle(60)),
    after: ([east]) => expect(keys(east)).toEqual(['east', 'east', 'east']),
  },
};

const waited = { from: 0 };

test.each(examples)('the README example under “$heading” runs', async ({ heading, code }) => {
  const backends = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
  for (const backend of backends) backend.always({ body: { choices: [{ message: { content: 'Hello to you' } }] } });
  const { before = ([first]: Three) => void first.script({ status: 429 }), after } = expectations[heading] ?? {};
  before(backends);
  const ran = await run(
    code,
    backends.map(({ url }) => url),
  );
  await after?.(backends, ran);
});

test('the README examples type-check', () => {
  expect(typeProblems()).toEqual([]);
}, 60_000);

test.each(['README.md', '.github/CONTRIBUTING.md', '.github/SECURITY.md', 'CHANGELOG.md', 'examples/README.md'])(
  '%s links only to existing files',
  (file) => {
    const text = readFileSync(join(root, file), 'utf8').replace(/```[\s\S]*?```/g, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
      ([, link, attribute]) => link ?? attribute ?? '',
    );
    const missing = targets
      .filter((target) => !target.startsWith('https:'))
      .filter((target) => target.startsWith('#') || !existsSync(join(root, file, '..', target)));
    expect(missing).toEqual([]);
  },
);
