import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import axios from 'axios';
import * as own from '../../src';
import { startBackends, resetConnection, throttle, closeBackendsAfterEach } from '../support/fake-backend';
import type { Call, Reply, FakeBackend } from '../support/fake-backend';
import { closeServers, examples, readme, root, run, typeProblems } from '../support/readme';
import type { Run } from '../support/readme';

closeBackendsAfterEach();
afterEach(closeServers);

type Three = readonly [FakeBackend, FakeBackend, FakeBackend];

/** An example before the eyes of its three backends, east, west and Sweden. */
interface Example {
  /** By default the first refuses once. */
  readonly before?: (backends: Three) => void;
  /** What the backends have received then, and what was printed. */
  readonly after: (backends: Three, run: Run) => void | Promise<void>;
}

const CHAT = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
const keys = ({ calls }: FakeBackend) => calls.map(({ headers }) => headers['api-key']);
const urls = ({ calls }: FakeBackend) => calls.map(({ url }) => url);
const bodyOf = ({ body }: Call) => JSON.parse(body.toString()) as Record<string, unknown>;
const counts = (backends: Three) => backends.map(({ calls }) => calls.length);

/** By heading. */
const expectations: Record<string, Example> = {
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
      // Whoever "ada" belongs to doesn't know the way.
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
      // Both began at once, and found out together.
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

test('each example is known, and each that is known is there', () => {
  expect(examples.map(({ heading }) => heading).sort()).toEqual(Object.keys(expectations).sort());
});

test.each(examples)('$heading', async ({ heading, code }) => {
  const backends = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
  for (const backend of backends) backend.always({ body: { choices: [{ message: { content: 'Hello to you' } }] } });
  const { before = ([first]: Three) => void first.script({ status: 429 }), after } = expectations[heading]!;
  before(backends);
  const ran = await run(
    code,
    backends.map(({ url }) => url),
  );
  await after(backends, ran);
});

test('the examples have their types right', () => {
  expect(typeProblems()).toEqual([]);
}, 60_000);

describe('the order', () => {
  test('of the sections', () => {
    expect([...readme.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'Install',
      'Use',
      'See it work',
      'Why',
      'Options',
      'Recipes',
      'Guarantees and limits',
      'Measured',
      'FAQ',
      'Coming from the Python package',
      'License',
    ]);
  });

  test('before the first of them: a name, one sentence and a picture for each theme', () => {
    const [name, sentence, picture] = (readme.split('\n## ')[0] ?? '').split('\n\n');
    expect(name).toBe('# axios-priority-adapter');
    expect(sentence).toMatch(/^[^.\n]+\.$/);
    expect(picture).toMatch(/^<picture>\s+<source media="\(prefers-color-scheme: dark\)"[^>]*dark\.svg/);
    expect(picture).toMatch(/<img alt="[^"]{40,}" src="[^"]*light\.svg"/);
  });

  test('of the recipes', () => {
    const recipes = (readme.split('\n## Recipes\n')[1] ?? '').split('\n## ')[0] ?? '';
    expect([...recipes.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'PTU in front of pay-as-you-go',
      'Entra ID tokens',
      'Several regions with their own deployment names',
      'An existing instance',
      'A legacy OpenAI client',
      'Streaming',
      'Waiting instead of failing',
      'A health endpoint',
      'Metrics',
      'Tests of your own',
      'Your own rules',
      'One pool for several clients, and its events',
    ]);
  });

  test('of the places that programs write into', () => {
    const section = (readme.split('\n## Measured\n')[1] ?? '').split('\n## ')[0] ?? '';
    const places = ['<!-- bench -->', '<!-- /bench -->', '<!-- mutation -->', '<!-- /mutation -->'].map((place) =>
      section.indexOf(place),
    );
    expect(Math.min(...places)).toBeGreaterThan(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });
});

test.each(['README.md', '.github/CONTRIBUTING.md', '.github/SECURITY.md', 'CHANGELOG.md', 'examples/README.md'])(
  'what %s links to and shows is there',
  (file) => {
    const text = readFileSync(join(root, file), 'utf8').replace(/```[\s\S]*?```/g, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
      ([, link, attribute]) => link ?? attribute ?? '',
    );
    if (file === 'README.md') expect(targets.length).toBeGreaterThan(15);
    const missing = targets
      .filter((target) => !target.startsWith('https:'))
      .filter((target) => target.startsWith('#') || !existsSync(join(root, file, '..', target)));
    expect(missing).toEqual([]);
  },
);

test('the commands are those that continuous integration runs', () => {
  const ci = readFileSync(join(root, '.ci/run'), 'utf8');
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const commands = [...readme.matchAll(/```sh\n(npm ci && .*)\n```/g)].map(([, command]) => command);
  expect(commands).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  for (const command of ['npm ci', 'npm run demo', 'npm test']) expect(ci).toContain(command);
  const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  for (const name of named) {
    expect(Object.keys(scripts)).toContain(name);
    expect(ci).toContain(`npm run ${name}`);
  }
});

test('the options are those that the code takes', () => {
  const names = (heading: string) =>
    [...(readme.split(`\n### ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? '').matchAll(/^\| `(\w+)` +\|/gm)].map(
      ([, name]) => name,
    );
  const refusal = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  for (const name of names('The adapter'))
    expect(refusal(() => own.priorityAdapter([{ baseURL: 'a' }], { [name!]: null }))).not.toContain('unknown');
  for (const name of names('Backends'))
    expect(refusal(() => new own.BackendPool([{ baseURL: 'a', [name!]: null }]))).not.toContain('unknown');
  expect(names('The adapter')).toHaveLength(10);
  expect(names('Backends')).toHaveLength(10);
});

test('each function that is exported is spoken of', () => {
  for (const name of Object.keys(own)) expect(readme).toMatch(new RegExp(`\\b${name}\\b`));
});
