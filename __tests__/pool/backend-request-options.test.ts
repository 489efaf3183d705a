import { second, testRefused } from '../support/refused-backends';

testRefused([
  [
    second({ request: { timeout: 5 } }),
    "backends[1].request.timeout would be the caller's budget for all attempts; use backends[1].attemptTimeout for this backend",
  ],
  [
    second({ request: { proxy: 'http://user:hunter2@proxy.example:3128' } }),
    'backends[1].request.proxy must be an object { host, port } or false, got "http://***@proxy.example:3128"',
  ],
  [
    second({ request: { proxy: null } }),
    'backends[1].request.proxy must be an object { host, port } or false, got "null"',
  ],
  [second({ request: { url: '/x' } }), 'backends[1].request has an unknown field "url"'],
  [
    second({ request: { httpagent: 1 } }),
    'backends[1].request has an unknown field "httpagent"; did you mean "httpAgent"?',
  ],
]);
