import { BackendPool } from '../../src';
import { checkBaseURL } from '../../src/pool/base-url';
import { second, testRefused } from '../support/refused-backends';

testRefused([
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
    'backends[1].baseURL must not hold credentials (use apiKey or headers), got "https://***@x.example"',
  ],
  [
    second({ baseURL: 'https://x.example/p?key=hunter2' }),
    'backends[1].baseURL must not hold a query or fragment (use params), got "https://x.example/p?***"',
  ],
  [
    second({ baseURL: 'https://x.example/#hunter2' }),
    'backends[1].baseURL must not hold a query or fragment (use params), got "https://x.example/#***"',
  ],
  [
    second({ baseURL: 'x.example?' }),
    'backends[1].baseURL must not hold a query or fragment (use params), got "x.example?***"',
  ],
  [
    second({ baseURL: 'https://user:hunter2@bad host?key=hunter2' }),
    'backends[1].baseURL must be a URL or a host, got "https://***@bad host?***"',
  ],
  [
    second({ baseURL: 'https://user:hun#ter2@x.example' }),
    'backends[1].baseURL must be a URL or a host, got "https://***@x.example"',
  ],
]);

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

test.each([
  ['a.example', 'https://a.example'],
  ['a.example/', 'https://a.example'],
  ['https://a.example/v1', 'https://a.example/v1'],
  ['https://a.example/v1/', 'https://a.example/v1/'],
  ['HTTP://a.example/v1//', 'http://a.example/v1//'],
])('the address of %j is %j: a slash at the end of a path is kept', (text, address) => {
  expect(checkBaseURL(text, 'x').address).toBe(address);
});

test.each([
  ['http1://x.example', 'be an http or https URL'],
  ['h2://x.example', 'be an http or https URL'],
  ['a+b-c.d://x.example', 'be an http or https URL'],
  ['http:x.example', 'be a URL or a host'],
  ['https:x.example', 'be a URL or a host'],
  ['/x.example', 'be a URL or a host'],
  ['x.example/http://y.example', undefined],
  ['x.example/undefined', undefined],
  ['nullable.example', undefined],
  ['x.undefined', 'be a URL or a host'],
  ['undefined.x', 'be a URL or a host'],
  ['[::1]:3000', undefined],
  ['x.example.', undefined],
  ['httpsx.example', undefined],
  ['https', 'be a URL or a host'],
])('of %j, the message says that it must %s', (text, message) => {
  const check = () => checkBaseURL(text, 'x');
  if (message === undefined) expect(check).not.toThrow();
  else expect(check).toThrow(`x must ${message}, got "${text}"`);
});
