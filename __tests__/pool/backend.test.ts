import axios from 'axios';
import { BackendPool, attachPriorityAdapter, priorityAdapter } from '../../src';
import { priorityFetch } from '../../src/fetch';
import { redisTransport, shareCooldowns } from '../../src/sharing';

const ok = { baseURL: 'a.example' };

const second = (own: object) => [ok, { baseURL: 'b.example', ...own }];

/** All functions that take backends reject the same values with the same messages. */
const makers: [string, (backends: never) => unknown][] = [
  ['priorityAdapter', (backends) => priorityAdapter(backends)],
  ['BackendPool', (backends) => new BackendPool(backends)],
  ['attachPriorityAdapter', (backends) => attachPriorityAdapter(axios.create(), backends)],
  ['update', (backends) => new BackendPool([ok]).update(backends)],
];

describe.each(makers)('%s rejects invalid backends:', (_, make) => {
  test.each<[unknown, string]>([
    [[], 'backends must be a non-empty array or a BackendPool, got an empty array'],
    [undefined, 'backends must be a non-empty array or a BackendPool, got undefined'],
    [ok, 'backends must be a non-empty array or a BackendPool, got an object: put the backend into an array'],
    [
      { maxWait: 5 },
      'backends must be a non-empty array or a BackendPool, got an object: options come after the backends',
    ],
    [[ok, 'b.example'], 'backends[1] is a string; write { baseURL: "b.example" }'],
    [['https://user:hunter2@x.example'], 'backends[0] is a string; write { baseURL: "https://***@x.example" }'],
    [[null], 'backends[0] must be an object, got null'],
    [[{}], 'backends[0].baseURL must be a non-empty string, got undefined'],
    [second({ baseURL: '  ' }), 'backends[1].baseURL must be a non-empty string, got "  "'],
    [second({ baseURL: 7 }), 'backends[1].baseURL must be a non-empty string, got 7'],
    [second({ baseURL: 'https://' }), 'backends[1].baseURL must be a URL or a host, got "https://"'],
    [second({ baseURL: 'http:/x' }), 'backends[1].baseURL must be a URL or a host, got "http:/x"'],
    [second({ baseURL: '//x.example' }), 'backends[1].baseURL must be a URL or a host, got "//x.example"'],
    [second({ baseURL: 'a b' }), 'backends[1].baseURL must be a URL or a host, got "a b"'],
    [
      second({ baseURL: 'xhttp://x.example' }),
      'backends[1].baseURL must be an http or https URL, got "xhttp://x.example"',
    ],
    [
      second({ baseURL: 'httpx://x.example' }),
      'backends[1].baseURL must be an http or https URL, got "httpx://x.example"',
    ],
    [second({ baseURL: 'user:pw@bad host' }), 'backends[1].baseURL must be a URL or a host, got "***@bad host"'],
    [second({ baseURL: '//user:pw@x.example' }), 'backends[1].baseURL must be a URL or a host, got "//***@x.example"'],
    [
      second({ baseURL: 'https//user:hunter2@x.example' }),
      'backends[1].baseURL must be a URL or a host, got "***@x.example"',
    ],
    [second({ baseURL: 'http//x.example' }), 'backends[1].baseURL must be a URL or a host, got "http//x.example"'],
    [
      second({ baseURL: 'https://undefined.openai.azure.com' }),
      'backends[1].baseURL must be a URL or a host, got "https://undefined.openai.azure.com": is its environment variable set?',
    ],
    [
      second({ baseURL: 'null' }),
      'backends[1].baseURL must be a URL or a host, got "null": is its environment variable set?',
    ],
    [
      second({ baseURL: 'https://.openai.azure.com' }),
      'backends[1].baseURL must be a URL or a host, got "https://.openai.azure.com": is its environment variable set?',
    ],
    [
      second({ baseURL: 'https:///openai/v1' }),
      'backends[1].baseURL must be a URL or a host, got "https:///openai/v1": is its environment variable set?',
    ],
    [second({ baseURL: 'a..example' }), 'backends[1].baseURL must be a URL or a host, got "a..example"'],
    [
      second({ baseURL: 'https://${process.env.R}.openai.azure.com' }),
      'backends[1].baseURL must be a URL or a host, got "https://${process.env.R}.openai.azure.com"',
    ],
    [
      second({ baseURL: 'https://a.example,https://b.example' }),
      'backends[1].baseURL must be a URL or a host, got "https://a.example,https://b.example"',
    ],
    [second({ baseURL: 'ftp://x.example' }), 'backends[1].baseURL must be an http or https URL, got "ftp://x.example"'],
    [
      second({ baseURL: 'https://user:hunter2@x.example' }),
      'backends[1].baseURL must not hold credentials; use apiKey or headers, got "https://***@x.example"',
    ],
    [
      second({ baseURL: 'https://x.example/p?key=hunter2' }),
      'backends[1].baseURL must not hold a query or fragment; use params, got "https://x.example/p?***"',
    ],
    [
      second({ baseURL: 'https://x.example/#hunter2' }),
      'backends[1].baseURL must not hold a query or fragment; use params, got "https://x.example/#***"',
    ],
    [
      second({ baseURL: 'x.example?' }),
      'backends[1].baseURL must not hold a query or fragment; use params, got "x.example?***"',
    ],
    [
      second({ baseURL: 'https://user:hunter2@bad host?key=hunter2' }),
      'backends[1].baseURL must be a URL or a host, got "https://***@bad host?***"',
    ],
    [second({ priority: -1 }), 'backends[1].priority must be an integer ≥ 0, got -1'],
    [second({ priority: 1.5 }), 'backends[1].priority must be an integer ≥ 0, got 1.5'],
    [second({ priority: '1' }), 'backends[1].priority must be an integer ≥ 0, got "1"'],
    [second({ priority: null }), 'backends[1].priority must be an integer ≥ 0, got null'],
    [second({ weight: -1 }), 'backends[1].weight must be a positive number, got -1'],
    [second({ weight: 0 }), 'backends[1].weight must be a positive number, got 0'],
    [second({ weight: NaN }), 'backends[1].weight must be a positive number, got NaN'],
    [second({ weight: Infinity }), 'backends[1].weight must be a positive number, got Infinity'],
    [second({ name: '' }), 'backends[1].name must be a non-empty string, got ""'],
    [second({ name: 'a.example' }), 'backends[1].name must be unique, got "a.example", the name of backends[0]'],
    [second({ apikey: 'hunter2' }), 'backends[1] has an unknown field "apikey"; did you mean "apiKey"?'],
    [second({ weigth: 1 }), 'backends[1] has an unknown field "weigth"; did you mean "weight"?'],
    [second({ apiKey: '' }), 'backends[1].apiKey must be a non-empty string or a function, got an empty string'],
    [second({ apiKey: 42 }), 'backends[1].apiKey must be a non-empty string or a function, got a number'],
    [
      second({ apiKey: { key: 'hunter2' } }),
      'backends[1].apiKey must be a non-empty string or a function, got an object',
    ],
    [
      second({ apiKey: 'hunter2\n' }),
      'backends[1].apiKey is not a valid header value: use Latin-1 without line breaks',
    ],
    [second({ azureADTokenProvider: 'hunter2' }), 'backends[1].azureADTokenProvider must be a function, got a string'],
    [second({ headers: 'hunter2' }), 'backends[1].headers must be an object, got a string'],
    [second({ headers: { 'a b': '1' } }), 'backends[1].headers has an invalid header name: "a b"'],
    [
      second({ headers: { authorization: '' } }),
      'backends[1].headers["authorization"] must hold a credential, got an empty one',
    ],
    [
      second({ headers: { x: {} } }),
      'backends[1].headers["x"] must be a string, number, boolean, null or array of strings, got an object',
    ],
    [
      second({ headers: { x: 'hunter2\r\ny: 1' } }),
      'backends[1].headers["x"] is not a valid header value: use Latin-1 without line breaks',
    ],
    [second({ params: 'v=1' }), 'backends[1].params must be an object, got a string'],
    [second({ deployments: { a: '' } }), 'backends[1].deployments["a"] must be a non-empty string or false, got ""'],
    [
      second({ deployments: { a: true } }),
      'backends[1].deployments["a"] must be a non-empty string or false, got true',
    ],
    [second({ deployments: [] }), 'backends[1].deployments must be an object, got an empty array'],
    [Array.from({ length: 1, 1: ok }), 'backends[0] must be an object, got undefined'],
    [
      'https://user:hunter2@host',
      'backends must be a non-empty array or a BackendPool, got a string: write [{ baseURL: "https://***@host" }]. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
    ],
    ['', 'backends must be a non-empty array or a BackendPool, got an empty string'],
    [
      { headers: {}, method: 'get', baseURL: 'https://a.example' },
      'backends must be a non-empty array or a BackendPool, got a request. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
    ],
    [
      second({ baseURL: 'https://user:hun#ter2@x.example' }),
      'backends[1].baseURL must be a URL or a host, got "https://***@x.example"',
    ],
    [second({ apiKey: '  ' }), 'backends[1].apiKey must be a non-empty string or a function, got a string'],
    [second({ headers: { 'api-key': [] } }), 'backends[1].headers["api-key"] must hold a credential, got an empty one'],
    [
      second({ headers: { Authorization: 'Bearer ' } }),
      'backends[1].headers["Authorization"] must hold a credential, got an empty one',
    ],
    [
      second({ request: { timeout: 5 } }),
      "backends[1].request.timeout would be the caller's budget for all attempts; use backends[1].attemptTimeout for this backend",
    ],
    [second({ attemptTimeout: -1 }), 'backends[1].attemptTimeout must be a finite number of ms ≥ 0, got -1'],
    [second({ connectTimeout: NaN }), 'backends[1].connectTimeout must be a finite number of ms ≥ 0, got NaN'],
    [second({ apiKey: undefined }), 'backends[1].apiKey is undefined: is its environment variable set?'],
    [
      second({ apiKey: 'undefined' }),
      'backends[1].apiKey holds the text "undefined": is its environment variable set?',
    ],
    [
      second({ headers: { Authorization: 'Bearer null' } }),
      'backends[1].headers["Authorization"] holds the text "null": is its environment variable set?',
    ],
    [
      second({ headers: { 'x-a': undefined, 'API-Key': undefined } }),
      'backends[1].headers["API-Key"] is undefined: is its environment variable set?',
    ],
    [
      second({ azureADTokenProvider: undefined, headers: { 'x-a': '1' } }),
      'backends[1].azureADTokenProvider is undefined: is its environment variable set?',
    ],
    ...Object.entries({
      ...{ url: 'baseURL', host: 'baseURL', endpoint: 'baseURL', azureEndpoint: 'baseURL', base_url: 'baseURL' },
      ...{
        key: 'apiKey',
        api_key: 'apiKey',
        token: 'azureADTokenProvider',
        apiVersion: 'params',
        api_version: 'params',
        timeout: 'attemptTimeout',
      },
      ...{ model: 'deployments', models: 'deployments', deployment: 'deployments', prioritty: 'priority' },
    }).map(
      ([given, meant]) =>
        [second({ [given]: 'x' }), `backends[1] has an unknown field "${given}"; did you mean "${meant}"?`] as [
          unknown,
          string,
        ],
    ),
    [
      second({ request: { proxy: 'http://user:hunter2@proxy.example:3128' } }),
      'backends[1].request.proxy must be an object { host, port } or false, got "http://***@proxy.example:3128"',
    ],
    [
      second({ request: { proxy: null } }),
      'backends[1].request.proxy must be an object { host, port } or false, got "null"',
    ],
    [second({ constructor: 1 }), 'backends[1] has an unknown field "constructor"'],
    [second({ colour: 1 }), 'backends[1] has an unknown field "colour"'],
    [second({ request: { url: '/x' } }), 'backends[1].request has an unknown field "url"'],
    [
      second({ request: { httpagent: 1 } }),
      'backends[1].request has an unknown field "httpagent"; did you mean "httpAgent"?',
    ],
  ])('%j', (backends, message) => {
    let error: unknown;
    try {
      make(backends as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe(message);
    expect((error as Error).message).not.toContain('hunter2');
  });
});

test.each<[object, string]>([
  [{ headers: new Headers({ 'api-key': 'hunter2' }) }, 'headers must be a plain object, got "[object Headers]"'],
  [{ headers: new Map([['api-key', 'hunter2']]) }, 'headers must be a plain object, got "[object Map]"'],
  [{ params: new URLSearchParams('v=1') }, 'params must be a plain object, got "[object URLSearchParams]"'],
  [{ deployments: new Map([['a', 'b']]) }, 'deployments must be a plain object, got "[object Map]"'],
  [{ request: new Date() }, 'request must be a plain object, got "[object Date]"'],
])('an object given in a backend must be a plain one: %p is rejected', (own, message) => {
  expect(() => priorityAdapter([{ ...ok, ...own }])).toThrow(new TypeError(`backends[0].${message}`));
  expect(() => priorityAdapter([ok], own as never)).toThrow('options has an unknown field');
});

test.each([
  ['eastus.openai.azure.com', 'https://eastus.openai.azure.com', 'eastus.openai.azure.com'],
  ['localhost:3000', 'https://localhost:3000', 'localhost:3000'],
  ['http://localhost:3000/', 'http://localhost:3000', 'localhost:3000'],
  ['https://Gateway.example/openai/east//', 'https://gateway.example/openai/east', 'gateway.example/openai/east'],
  [' https://x.example\n', 'https://x.example', 'x.example'],
  ['https://x.example/a/../b', 'https://x.example/b', 'x.example/b'],
])('a baseURL of %j is normalised to %s', (baseURL, expected, name) => {
  expect(new BackendPool([{ baseURL }]).backends[0]).toMatchObject({ baseURL: expected, name });
});

describe('a URL in the wrong place is shown without its userinfo and its query:', () => {
  const url = 'redis://user:hunter2@host/path?sig=hunter2';
  const pool = new BackendPool([ok]);
  test.each<[string, () => unknown]>([
    ['transport', () => shareCooldowns(pool, url as never)],
    ['client', () => redisTransport(url as never, { prefix: 'x' })],
    ['options.fetch', () => priorityFetch([ok], { fetch: url as never })],
    ['listener', () => pool.subscribe(url as never)],
    ['unknown backend', () => pool.restore(url)],
    ['backends[1].name', () => new BackendPool([ok, ok].map((each) => ({ ...each, name: url })))],
    ['options has an unknown field', () => new BackendPool([ok], { [url]: 1 } as never)],
    ['backends[0].deployments', () => new BackendPool([{ ...ok, deployments: { [url]: '' } }])],
    ['backends[0].headers', () => new BackendPool([{ ...ok, headers: { [url]: 'x' } }])],
  ])('%s', (place, make) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(place);
    expect(make).toThrow('redis://***@host/path?***');
    expect(make).not.toThrow('hunter2');
  });
});

test('an error message truncates long values and names arrays as such', () => {
  expect(() => new BackendPool([{ ...ok, priority: 'x'.repeat(101) as never }])).toThrow(
    `backends[0].priority must be an integer ≥ 0, got "${'x'.repeat(100)}…"`,
  );
  expect(() => new BackendPool([{ ...ok, name: 'x'.repeat(100).split('') as never }])).toThrow('got an array');
});
