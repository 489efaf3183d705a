import { priorityAdapter } from '../../src';
import { ok, second, testRefused } from '../support/refused-backends';

describe('of a list of backends,', () => {
  testRefused([
    [[], 'backends must be a non-empty array, got an empty array'],
    [undefined, 'backends must be a non-empty array, got undefined'],
    [ok, 'backends must be a non-empty array, got an object: put the backend into an array'],
    [{ maxWait: 5 }, 'backends must be a non-empty array, got an object: options come after the backends'],
    [[ok, 'b.example'], 'backends[1] is a string; write { baseURL: "b.example" }'],
    [['https://user:hunter2@x.example'], 'backends[0] is a string; write { baseURL: "https://***@x.example" }'],
    [[null], 'backends[0] must be an object, got null'],
    [[{}], 'backends[0].baseURL must be a non-empty string, got undefined'],
    [second({ name: 'a.example' }), 'backends[1].name must be unique, got "a.example", the name of backends[0]'],
    [Array.from({ length: 1, 1: ok }), 'backends[0] must be an object, got undefined'],
    [
      'https://user:hunter2@host',
      'backends must be a non-empty array, got a string: write [{ baseURL: "https://***@host" }]. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
    ],
    ['', 'backends must be a non-empty array, got an empty string'],
    [
      { headers: {}, method: 'get', baseURL: 'https://a.example' },
      'backends must be a non-empty array, got a request. A client takes what this returns: adapter: priorityAdapter(backends), or fetch: priorityFetch(backends)',
    ],
  ]);
});

describe('of the fields of a backend,', () => {
  testRefused([
    [second({ priority: -1 }), 'backends[1].priority must be an integer ≥ 0, got -1'],
    [second({ priority: 1.5 }), 'backends[1].priority must be an integer ≥ 0, got 1.5'],
    [second({ priority: '1' }), 'backends[1].priority must be an integer ≥ 0, got "1"'],
    [second({ priority: null }), 'backends[1].priority must be an integer ≥ 0, got null'],
    [second({ weight: -1 }), 'backends[1].weight must be a positive number, got -1'],
    [second({ weight: 0 }), 'backends[1].weight must be a positive number, got 0'],
    [second({ weight: NaN }), 'backends[1].weight must be a positive number, got NaN'],
    [second({ weight: Infinity }), 'backends[1].weight must be a positive number, got Infinity'],
    [second({ name: '' }), 'backends[1].name must be a non-empty string, got ""'],
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
    [second({ apiKey: '  ' }), 'backends[1].apiKey must be a non-empty string or a function, got a string'],
    [second({ headers: { 'api-key': [] } }), 'backends[1].headers["api-key"] must hold a credential, got an empty one'],
    [
      second({ headers: { Authorization: 'Bearer ' } }),
      'backends[1].headers["Authorization"] must hold a credential, got an empty one',
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
    [second({ constructor: 1 }), 'backends[1] has an unknown field "constructor"'],
    [second({ colour: 1 }), 'backends[1] has an unknown field "colour"'],
  ]);
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
