/** The built package in the runtimes of servers and of the edge, over each adapter that axios has there. */
import { FakeBackend, refusedOrigin, replyByPath } from '../support/fake-backend';
import type { Place } from '../support/checks';
import {
  OTHER_NODES,
  inBun,
  inDeno,
  inEdgeRuntime,
  inNode,
  inOtherNode,
  inWorkerd,
  prepareProgram,
  removeProgram,
} from '../support/runtimes';
import type { Run } from '../support/runtimes';
import { allChecks } from './program';
import type { Results } from './program';

type Facts = Pick<Place, 'over' | 'refusedCode'>;
type Row = [string, Facts['over'], Facts, Run];

const REFUSED = { refusedCode: 'ECONNREFUSED' };
const HTTP: Facts = { over: 'http', ...REFUSED };
const FETCH: Facts = { over: 'fetch', ...REFUSED };
/** The fetch of Deno and of workerd gives no code. */
const FETCH_WITHOUT_CODES: Facts = { over: 'fetch' };

const both = (runtime: string, run: Run): Row[] => [
  [runtime, 'http', HTTP, run],
  [runtime, 'fetch', FETCH, run],
];

const RUNTIMES: Row[] = [
  ...both(`Node ${process.versions.node.split('.')[0]!}`, inNode),
  ...Object.entries(OTHER_NODES).flatMap(([major, version]) => both(`Node ${major}`, inOtherNode(version))),
  ...both('Bun', inBun),
  ['Deno', 'http', HTTP, inDeno],
  ['Deno', 'fetch', FETCH_WITHOUT_CODES, inDeno],
  ['workerd', 'fetch', FETCH_WITHOUT_CODES, inWorkerd()],
  ['workerd with nodejs_compat', 'fetch', FETCH_WITHOUT_CODES, inWorkerd('nodejs_compat', 'nodejs_compat_v2')],
  ['the Edge Runtime', 'fetch', FETCH, inEdgeRuntime],
];

let origins: Pick<Place, 'origin' | 'elsewhere' | 'refused'>;
let servers: FakeBackend[];

beforeAll(async () => {
  servers = await Promise.all([FakeBackend.start(), FakeBackend.start()]);
  const [origin = '', elsewhere = ''] = servers.map((server) => server.always(replyByPath).url);
  origins = { origin, elsewhere, refused: await refusedOrigin() };
  await prepareProgram();
}, 60_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  removeProgram();
});

describe.each(RUNTIMES)('in %s over %s,', (_runtime, _over, facts, run) => {
  let results: Results;

  beforeAll(async () => {
    results = await run({ showsRedirects: true, ...origins, ...facts });
  }, 120_000);

  const none = { origin: '', elsewhere: '', refused: '', showsRedirects: true };
  test.each(Object.keys(allChecks({ ...none, ...facts })))('%s', (name) => {
    expect(results[name]).toBe('passed');
  });
});
