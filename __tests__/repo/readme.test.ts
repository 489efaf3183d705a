import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import axios, { isAxiosError } from 'axios';
import { priorityAdapter } from '../../src';
import {
  startBackends,
  refusedOrigin,
  resetConnection,
  throttle,
  closeBackendsAfterEach,
} from '../support/fake-backend';
import type { Call, Reply, FakeBackend } from '../support/fake-backend';
import {
  blocks,
  closeServers,
  docExamples,
  examples,
  pages,
  programProblems,
  read,
  root,
  run,
  runProgram,
  typeProblems,
} from '../support/markdown';
import type { Run } from '../support/markdown';

closeBackendsAfterEach();
afterEach(closeServers);

// An example may set it for all of axios.
const { adapter } = axios.defaults;
afterEach(() => void (axios.defaults.adapter = adapter!));

type Three = readonly [FakeBackend, FakeBackend, FakeBackend];

/** What an example does to its three backends: east, west and Sweden. */
interface Example {
  /** By default, the first backend replies with one 429. */
  readonly before?: (backends: Three) => void;
  /** Checks what the backends received and what was printed. */
  readonly after: (backends: Three, run: Run) => void | Promise<void>;
}

const keys = ({ calls }: FakeBackend) => calls.map(({ headers }) => headers['api-key']);
const urls = ({ calls }: FakeBackend) => calls.map(({ url }) => url);
const bodyOf = ({ body }: Call) => JSON.parse(body.toString()) as Record<string, unknown>;
const counts = (backends: Three) => backends.map(({ calls }) => calls.length);

/** By title. An example without an entry must run, no more. */
const expectations: Record<string, Partial<Example>> = {
  'README.md: First example': {
    after: ([east, west], { printed }) => {
      expect([urls(east), urls(west)]).toStrictEqual([['/openai/v1/responses'], ['/openai/v1/responses']]);
      expect([keys(east), keys(west)]).toStrictEqual([['east'], ['west']]);
      expect(printed).toStrictEqual([west.host]);
    },
  },

  'README.md: An existing instance': {
    after: ([east, west], { printed }) => {
      expect([urls(east), urls(west)]).toStrictEqual([['/openai/v1/embeddings'], ['/openai/v1/embeddings']]);
      expect([keys(east), keys(west)]).toStrictEqual([['east'], ['west']]);
      expect(printed).toStrictEqual(['payg']);
    },
  },

  'README.md: A legacy client': {
    after: ([east, west], { printed }) => {
      expect([urls(east), urls(west)]).toStrictEqual([
        ['/openai/v1/chat/completions'],
        ['/openai/v1/chat/completions'],
      ]);
      expect([keys(east), keys(west)]).toStrictEqual([['east'], ['west']]);
      expect(printed).toStrictEqual(['payg']);
    },
  },

  'README.md: The official SDK': {
    after: ([east, west], { printed }) => {
      expect([urls(east), urls(west)]).toStrictEqual([['/openai/v1/responses'], ['/openai/v1/responses']]);
      expect([keys(east), keys(west)]).toStrictEqual([['east'], ['west']]);
      expect(printed).toStrictEqual(['payg']);
    },
  },

  'README.md: A test with a mock': {
    after: (backends, { printed }) => {
      expect(printed).toStrictEqual(['[429,200]']);
      expect(counts(backends)).toStrictEqual([0, 0, 0]);
    },
  },

  'docs/getting-started.md: Two backends': {
    after: (_, { printed }) => expect(printed[1]).toBe('ptu 429 → payg 200'),
  },

  'docs/getting-started.md: When nobody can answer': {
    before: ([east, west]) => [east, west].forEach((each) => each.always(throttle(60_000))),
    after: (_, { printed }) => expect(printed[0]).toMatch(/^Busy\. Come back in (?:59\d{3}|60000) ms\.$/),
  },

  'docs/ways-in.md: A client of your own': {
    after: ([, west], { printed }) => {
      expect(urls(west)).toStrictEqual(['/openai/v1/embeddings']);
      expect(JSON.parse(printed[0] ?? '')).toMatchObject([{ name: 'ptu' }, { name: 'payg', successes: 1 }]);
    },
  },

  'docs/ways-in.md: An existing instance': {
    after: ([east, west], { printed }) => {
      expect(urls(west)).toStrictEqual(['/openai/v1/models']);
      expect([keys(east), keys(west)]).toStrictEqual([['east'], ['west']]);
      expect(JSON.parse(printed[0] ?? '')).toMatchObject([{ state: 'cooling' }, { state: 'available', successes: 1 }]);
    },
  },

  'docs/ways-in.md: A client built on axios': {
    after: ([east, west], { printed }) => {
      expect(printed).toStrictEqual(['Hello to you']);
      expect([urls(east), urls(west)]).toStrictEqual([
        ['/openai/v1/chat/completions'],
        ['/openai/v1/chat/completions'],
      ]);
      expect(west.lastCall.headers).toMatchObject({ 'api-key': 'west' });
      expect(west.lastCall.headers).not.toHaveProperty('authorization');
    },
  },

  'docs/ways-in.md: Several clients, one pool': {
    before: ([east]) => east.always(throttle(60_000)),
    after: (backends) => expect(counts(backends)).toStrictEqual([2, 2, 0]),
  },

  'docs/recipes/backends.md: Regions': {
    before: ([east, west]) => [east, west].forEach((each) => each.always({ status: 503 })),
    after: ([, , sweden]) => expect(keys(sweden)).toStrictEqual(['sweden']),
  },

  'docs/recipes/backends.md: Regions with their own deployment names': {
    after: ([east, west]) => {
      expect(urls(east)).toStrictEqual(['/openai/v1/chat/completions']);
      expect(bodyOf(east.lastCall)).toMatchObject({ model: 'chat' });
      expect(urls(west)).toStrictEqual(['/openai/v1/chat/completions?api-version=preview']);
      expect(bodyOf(west.lastCall)).toMatchObject({ model: 'chat-west' });
    },
  },

  'docs/recipes/backends.md: Reserved capacity in front': {
    after: ([east, west, sweden], { printed }) => {
      expect(keys(east)).toStrictEqual(['east']);
      expect([...keys(west), ...keys(sweden)]).toHaveLength(1);
      expect(printed[0]).toMatch(/^\["ptu: 429","(?:westus|sweden): 200"\]$/);
    },
  },

  'docs/recipes/backends.md: Reserved and pay-as-you-go in one resource': {
    after: ([east], { printed }) => {
      expect(east.calls.map((call) => bodyOf(call).model)).toStrictEqual(['chat-ptu', 'chat-standard']);
      expect(printed).toStrictEqual(['["reserved/chat-ptu","standard/chat-standard"]']);
    },
  },

  'docs/recipes/backends.md: OpenAI itself as the last resort': {
    after: ([east, , openai]) => {
      expect([urls(east), urls(openai)]).toStrictEqual([['/openai/v1/chat/completions'], ['/v1/chat/completions']]);
      expect(openai.lastCall.headers).toMatchObject({ authorization: 'Bearer openai' });
      expect(keys(openai)).toStrictEqual([undefined]);
      expect(bodyOf(openai.lastCall)).toMatchObject({ model: 'gpt-5-mini' });
    },
  },

  'docs/recipes/backends.md: Entra ID': {
    after: ([east, west]) => {
      const tokens = [east, west].map(({ lastCall }) => lastCall.headers.authorization);
      expect(tokens).toStrictEqual(Array(2).fill('Bearer token for https://cognitiveservices.azure.com/.default'));
    },
  },

  'docs/recipes/backends.md: Keys that change': {
    after: ([east]) => expect(keys(east)).toStrictEqual(['the key of today']),
  },

  'docs/recipes/requests.md: Wait for a backend': {
    before: ([east]) => {
      east.script(throttle(80));
      waited.from = performance.now();
    },
    after: ([east]) => {
      expect(urls(east)).toStrictEqual(['/openai/v1/responses', '/openai/v1/responses', '/openai/v1/models']);
      expect(performance.now() - waited.from).toBeGreaterThanOrEqual(80);
    },
  },

  'docs/recipes/requests.md: A prompt that is too long': {
    before: ([east]) => east.script({ status: 400, body: { error: { code: 'context_length_exceeded' } } }),
    after: ([east, west]) => {
      expect(counts([east, west, east])).toStrictEqual([1, 1, 1]);
      expect(bodyOf(west.lastCall)).toMatchObject({ model: 'chat-long' });
    },
  },

  'docs/recipes/requests.md: The same backend for the same user': {
    after: ([, west, sweden]) => expect(west.calls.length + sweden.calls.length).toBe(1),
  },

  'docs/recipes/requests.md: Streaming': {
    before: ([east]) => east.always(twoChunks),
    after: ([east], { printed }) => {
      expect(printed).toStrictEqual(['data: one\n\n', 'data: two\n\n']);
      expect(bodyOf(east.lastCall)).toMatchObject({ stream: true });
    },
  },

  'docs/recipes/requests.md: Your own rules': {
    before: ([, west]) => west.script({ status: 400, body: { error: { code: 'content_filter' } } }),
    after: (backends) => expect(counts(backends)).toStrictEqual([0, 1, 1]),
  },

  'docs/recipes/requests.md: Fail over even if it may run twice': {
    before: ([east]) => east.script(resetConnection),
    after: (backends) => expect(counts(backends)).toStrictEqual([1, 1, 0]),
  },

  'docs/recipes/requests.md: Just one attempt': {
    after: (backends, { printed }) => {
      expect(printed).toStrictEqual(['429 false']);
      expect(counts(backends)).toStrictEqual([1, 0, 0]);
    },
  },

  'docs/recipes/operations.md: Metrics with Prometheus': {
    after: (_, { printed }) => {
      expect(printed[0]).toContain('openai_attempts{backend="ptu",outcome="429"} 1');
      expect(printed[0]).toContain('openai_attempts{backend="payg",outcome="200"} 1');
    },
  },

  'docs/recipes/operations.md: A health endpoint': {
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

  'docs/status-page.md: Open it': {
    after: async (_, { servers }) => {
      const [server] = servers;
      if (!server!.listening) await once(server!, 'listening');
      const base = `http://127.0.0.1:${String((server!.address() as AddressInfo).port)}`;
      const paths = ['/', '/status'].map((path) => axios.get<string>(base + path, { validateStatus: null }));
      const answers = (await Promise.all(paths)).map(({ data }) => data.includes('<title>Backends</title>'));
      expect(answers.filter(Boolean)).toHaveLength(1);
    },
  },

  'docs/recipes/operations.md: Maintenance and new backends': {
    after: (_, { printed }) => expect(printed).toStrictEqual(['ptu,payg,new']),
  },

  'docs/recipes/operations.md: Several processes': {
    before: ([east]) => east.always(throttle(60_000)),
    after: (_, { printed }) => expect(printed).toStrictEqual(['cooling,available']),
  },

  'docs/recipes/combining.md: Mock the backends in your tests': {
    after: (backends, { printed }) => {
      expect(printed).toHaveLength(1);
      expect(printed[0]).toMatch(/^\["east.example: (?:429|503)","west.example: 200"\]$/);
      expect(counts(backends)).toStrictEqual([0, 0, 0]);
    },
  },

  'docs/recipes/combining.md: Sign requests below the pool': {
    after: ([east, west]) => {
      const signatures = [east, west].map(({ url, lastCall: { headers, body } }) => {
        const signed = `${url}/openai/v1/responses\n${body.toString()}`;
        expect(headers['x-signature']).toBe(createHmac('sha256', 'sign').update(signed).digest('hex'));
        return headers['x-signature'];
      });
      expect(new Set(signatures).size).toBe(2);
    },
  },

  'docs/recipes/combining.md: Cache above the pool': {
    after: (backends, { printed }) => {
      expect(printed).toStrictEqual(['true']);
      expect(counts(backends)).toStrictEqual([1, 1, 0]);
    },
  },

  'docs/recipes/combining.md: axios-retry on top': {
    before: ([east]) => east.script(throttle(60), throttle(60)),
    after: ([east]) => expect(keys(east)).toStrictEqual(['east', 'east', 'east']),
  },

  'docs/options.md: Helpers': {
    after: (_, { printed }) => expect(printed).toStrictEqual(['43', '2']),
  },

  'docs/requests.md: Attempts': {
    before: ([east]) => east.script(throttle(60_000)),
    after: (_, { printed }) => expect(printed).toStrictEqual(['ptu chat 429 throttled 60000', 'payg chat 200  ']),
  },

  'docs/pool.md: Snapshot': {
    before: ([east]) => east.script(throttle(60_000)),
    after: (_, { printed }) => {
      expect(printed[0]).toBe('ptu available 0 0 1');
      expect(printed[1]).toMatch(/^ {2}chat: throttled, [\d.]+ ms$/);
      expect(printed[2]).toBe('payg available 0 1 0');
    },
  },

  'docs/pool.md: Events': {
    before: ([east]) => east.script(throttle(60_000)),
    after: (_, { printed }) => expect(printed).toStrictEqual(['ptu is out for 60000 ms: throttled']),
  },

  'docs/streaming.md: Streaming': {
    before: ([east]) => {
      const event = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
      east.always((_, response) => {
        const text = event('Because') + event(' of Rayleigh.') + 'data: [DONE]\n\n';
        response.write(text.slice(0, 30), () => setTimeout(() => response.end(text.slice(30)), 20));
      });
    },
    after: (_, { printed }) => expect(printed.join('')).toBe('Because of Rayleigh.'),
  },

  'docs/troubleshooting.md: Troubleshooting': {
    after: (_, { printed }) => expect(printed[0]).toMatch(/^200 false \[\{"backend":"ptu".*"backend":"payg"/),
  },
};

const waited = { from: 0 };

const twoChunks: Reply = (_, response) => {
  response.write('data: one\n\n', () => setTimeout(() => response.end('data: two\n\n'), 20));
};

test.each([...examples, ...docExamples])('the example in $title runs', async ({ title, code }) => {
  const backends = (await startBackends(3)) as [FakeBackend, FakeBackend, FakeBackend];
  for (const backend of backends) backend.always({ body: { choices: [{ message: { content: 'Hello to you' } }] } });
  const { before = ([first]: Three) => void first.script({ status: 429 }), after } = expectations[title] ?? {};
  before(backends);
  const ran = await run(
    code,
    backends.map(({ url }) => url),
  );
  await after?.(backends, ran);
});

test('each expectation belongs to an example', () => {
  const titles = new Set(examples.map(({ title }) => title));
  expect(Object.keys(expectations).filter((title) => !titles.has(title))).toStrictEqual([]);
});

test.each(blocks('js'))('the program in $title prints what the page says', async ({ code, next }) => {
  expect(next).not.toBe('');
  expect(await runProgram(code)).toBe(next);
});

test('all examples type-check', () => {
  expect(docExamples).not.toStrictEqual([]);
  expect(typeProblems()).toStrictEqual([]);
}, 60_000);

test('all programs in JavaScript type-check', () => {
  expect(programProblems()).toStrictEqual([]);
}, 60_000);

test('the README shows the error of a request for which no backend was left', async () => {
  const throttled = await startBackends(2);
  for (const backend of throttled) backend.always(throttle(6_990));
  const urls = [...throttled.map(({ url }) => url), await refusedOrigin()];
  const adapter = priorityAdapter(urls.map((baseURL, i) => ({ baseURL, priority: i })));
  const error = await axios.get('/x', { adapter }).catch((reason: unknown) => reason);
  if (!isAxiosError<{ error: { message: string } }>(error)) throw new Error('no error of axios', { cause: error });
  const [shown] = blocks('text').filter(({ code }) => code.includes('error.cause'));
  expect(shown?.code).toContain(`error.message           ${error.message}\n`);
  expect(shown?.code).toContain(`.data.error.message   ${String(error.response?.data.error.message)}\n`);
});

test('every code block is of a known kind', () => {
  const known = ['ts', 'js', 'sh', 'text'];
  expect(
    pages
      .flatMap((page) => [...read(page).matchAll(/^```(.+)$/gm)].map(([, says]) => says))
      .filter((says) => !known.includes(says ?? '')),
  ).toStrictEqual([]);
});

test('the README can be read in ten minutes', () => {
  expect(Buffer.byteLength(read('README.md'))).toBeLessThan(15_000);
});

/** The anchors of the headings for which GitHub and the site make the same one. */
const anchorsOf = (markdown: string): string[] =>
  [...markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ ([A-Za-z][\w ,-]*)\??$/gm)].map(([, heading = '']) =>
    heading.toLowerCase().replaceAll(',', '').replaceAll(' ', '-'),
  );

const OTHERS = ['.github/CONTRIBUTING.md', '.github/SECURITY.md', 'CHANGELOG.md', 'examples/README.md'];

test.each([...pages, ...OTHERS])('%s links only to existing files and headings', (file) => {
  const prose = read(file).replace(/^```[\s\S]*?^```$/gm, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
    ([, link, attribute]) => link ?? attribute ?? '',
  );
  const missing = targets
    .filter((target) => !target.startsWith('https:'))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const aim = path === '' ? file : join(file, '..', path);
      return !existsSync(join(root, aim)) || (anchor !== undefined && !anchorsOf(read(aim)).includes(anchor));
    });
  expect(missing).toStrictEqual([]);
});
