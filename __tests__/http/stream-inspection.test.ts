import { StreamInspection, isEventStream } from '../../src/http/stream-inspection';
import type { StreamRefusal } from '../../src/http/stream-inspection';

const event = (data: unknown, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** What the first events say; `undefined`: nothing, so the stream belongs to the caller. */
function refusalIn(text: string, headers: object = {}): StreamRefusal | undefined {
  const inspection = new StreamInspection(headers);
  if (!inspection.push(Buffer.from(text))) inspection.end();
  return inspection.refusal;
}

const created = event({ type: 'response.created', response: { error: null } }, 'response.created');
const chunk = { choices: [{ index: 0, delta: { content: 'Hi' } }] };

// The wire forms, with the reports that they are from.
test.each<[title: string, text: string, refusal: StreamRefusal, headers?: object]>([
  [
    'Azure: a failure without an error, then the error (earendil-works/pi#7983)',
    event({ type: 'response.failed', response: { error: null, output: [], usage: null }, sequence_number: 1 }) +
      event({ type: 'error', error: { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'm' } }),
    { status: 429, error: { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'm' } },
  ],
  [
    'a failure with an error in it (pi#1458)',
    created + event({ type: 'response.failed', response: { error: { code: 'rate_limit_exceeded', message: 'm' } } }),
    { status: 429, error: { code: 'rate_limit_exceeded', message: 'm' } },
  ],
  [
    'only a message, with a used-up quota in the headers (sozercan/vekil#267)',
    event({ type: 'response.failed', response: { error: { message: 'Try later.' } } }),
    { status: 429, error: { message: 'Try later.' } },
    { 'x-ratelimit-remaining-tokens': '0' },
  ],
  [
    'a type that stands for a 5xx, and words about a rate limit',
    event({ error: { type: 'server_error', message: 'Rate limit exceeded.' } }),
    { status: 429, error: { type: 'server_error', message: 'Rate limit exceeded.' } },
  ],
  [
    'a type that stands for a 5xx, with a used-up quota in the headers',
    event({ type: 'response.failed', response: { error: { type: 'server_error', code: null, message: 'oops' } } }),
    { status: 429, error: { type: 'server_error', message: 'oops' } },
    { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '30' },
  ],
  [
    'a code that stands for a 5xx, whatever its words',
    event({ error: { code: 'server_error', message: 'Not a rate limit.' } }),
    { status: 500, error: { code: 'server_error', message: 'Not a rate limit.' } },
  ],
  [
    'only a message, with a wait in the headers',
    event({ error: { message: 'Try later.' } }),
    { status: 429, error: { message: 'Try later.' } },
    { 'retry-after': '3' },
  ],
  [
    'OpenAI: an event named error, with its own fields (vercel/ai#6534)',
    event({ type: 'error', code: 'insufficient_quota', message: 'm', param: null, sequence_number: 2 }, 'error'),
    { status: 429, error: { code: 'insufficient_quota', message: 'm' } },
  ],
  [
    'OpenAI: an overloaded server (eca#559)',
    event({ type: 'error', error: { type: 'service_unavailable_error', code: 'server_is_overloaded' } }, 'error'),
    { status: 503, error: { type: 'service_unavailable_error', code: 'server_is_overloaded' } },
  ],
  [
    'chat: an error in place of a chunk (openai-python#1625)',
    event({ error: { message: 'The server had an error', type: 'server_error', param: null, code: null } }),
    { status: 500, error: { type: 'server_error', message: 'The server had an error' } },
  ],
  [
    'OpenRouter: a numeric code (vercel/ai#2698)',
    event({ error: { message: 'm', code: 429 } }),
    { status: 429, error: { code: '429', message: 'm' } },
  ],
  ['the status of a gateway', event({ error: { code: '502' } }), { status: 502, error: { code: '502' } }],
  [
    'an error given as text',
    event({ error: 'Rate limit reached' }),
    { status: 429, error: { message: 'Rate limit reached' } },
  ],
  [
    'an event named error with text',
    event('Too Many Requests', 'error'),
    { status: 429, error: { message: 'Too Many Requests' } },
  ],
  [
    'a message about a quota',
    event({ error: { message: 'You exceeded your quota.' } }),
    {
      status: 429,
      error: { message: 'You exceeded your quota.' },
    },
  ],
  [
    'a code in the style of Azure',
    event({ error: { code: 'InternalServerError' } }),
    {
      status: 500,
      error: { code: 'InternalServerError' },
    },
  ],
  [
    'an error with a code without meaning',
    event({ error: { code: 'unknown', type: 'server_error' } }),
    { status: 500, error: { code: 'unknown', type: 'server_error' } },
  ],
  [
    'an error that the end of the body cuts off',
    event({ error: { code: 429 } }).trimEnd(),
    {
      status: 429,
      error: { code: '429' },
    },
  ],
  [
    'vLLM: a bare error object',
    event({ object: 'error', type: 'InternalServerError', code: 500 }),
    { status: 500, error: { type: 'InternalServerError', code: '500' } },
  ],
  [
    "Azure's API Management",
    event({ statusCode: 429, message: 'Rate limit is exceeded.' }),
    { status: 429, error: { code: '429', message: 'Rate limit is exceeded.' } },
  ],
  [
    'only a message, with a remaining limit below zero and no other header',
    event({ error: { message: 'm' } }),
    { status: 429, error: { message: 'm' } },
    { 'x-ratelimit-remaining-tokens': '-1' },
  ],
  ['an event named Error', event({ code: 429 }, 'Error'), { status: 429, error: { code: '429' } }],
  [
    'only a message, with a remaining limit below zero',
    event({ error: { message: 'm' } }),
    { status: 429, error: { message: 'm' } },
    { 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '59' },
  ],
  [
    'only a message, with a limit of -1 and a time until it is renewed',
    event({ error: { message: 'm' } }),
    { status: 429, error: { message: 'm' } },
    { 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '1s' },
  ],
])('%s is a refusal', (_title, text, refusal, headers = {}) => {
  expect(refusalIn(text, headers)).toStrictEqual(refusal);
});

test.each([
  ['a comment', ': waiting\n\n'],
  ['an event named ping', event('{}', 'ping')],
  ['an event named keepalive', event('', 'keepalive')],
  ['data of the type ping', event({ type: 'ping' })],
  ['response.created', created],
  ['response.queued', event({ type: 'response.queued' })],
  ['response.in_progress', event({ type: 'response.in_progress' })],
  ['a failure with an empty error', event({ type: 'response.failed', response: { error: {} } })],
  ['a chunk with empty choices', event({ choices: [], prompt_filter_results: [] })],
])('a refusal is found after %s', (_title, first) => {
  expect(refusalIn(first + event({ error: { code: 429 } }))?.status).toBe(429);
});

test.each([
  ['content', event(chunk)],
  ['content of the Responses API', event({ type: 'response.output_text.delta', delta: 'Hi' })],
  ['a response that is incomplete', event({ type: 'response.incomplete' })],
  ['[DONE]', event('[DONE]')],
  ['something else', event('42')],
  ['an error that is empty', event({ error: '', ...chunk })],
  ['an error that is null', event({ error: null, ...chunk })],
  ['an event without data', 'event: error\n\n' + event(chunk)],
  ['JSON that is cut short', 'data: {"error":{"code":429'],
  ['another event, whose name ends like one of a failure', event({ code: 429 }, 'no.error')],
  ['another event, whose name begins like one of a failure', event({ code: 429 }, 'error.details')],
  ['a type that ends like that of a failure', event({ type: 'x.response.failed', response: { error: { code: 429 } } })],
  ['a type that begins like it', event({ type: 'response.failed.x', response: { error: { code: 429 } } })],
])('a stream that begins with %s is returned to the caller, whatever follows', (_title, first) => {
  expect(refusalIn(first + event({ error: { code: 429 } }))).toBeUndefined();
});

test.each<[error: object, headers?: object]>([
  [{ code: 'invalid_prompt', type: 'server_error' }],
  [{ code: 'content_filter' }],
  [{ code: 'image_content_policy_violation' }],
  [{ code: 'context_length_exceeded' }],
  [{ type: 'invalid_request_error', message: 'Too many requests in one batch' }],
  [{ code: 400, message: 'rate limit' }],
  [{ code: '401' }],
  [{ code: 'DeploymentNotFound', message: 'no quota' }, { 'x-ratelimit-remaining-requests': '0' }],
  [{ message: 'The prompt was refused.' }],
  [{ message: 'The prompt was refused.' }, { 'x-ratelimit-remaining-requests': ' ' }],
  [{ message: 'The prompt was refused.' }, { 'x-ratelimit-remaining-requests': '9, 9' }],
  [{ code: 'Timeout' }],
  [{ code: '4290' }],
  [{ code: '1429' }],
  [{ type: 'authentication_error', message: 'quota' }],
  [{ message: 'The prompt was refused.' }, { 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-remaining-tokens': '-1' }],
  [
    { message: 'The prompt was refused.' },
    { 'x-ratelimit-remaining-requests': '-1', 'x-ratelimit-reset-requests': '0', 'retry-after': '0' },
  ],
])('the error %j is about the request and no refusal', (error, headers = {}) => {
  expect(refusalIn(event({ error }), headers)).toBeUndefined();
});

test('a stream without a meaningful event is released after 64 KiB', () => {
  const inspection = new StreamInspection({});
  expect(inspection.push(Buffer.alloc(65_535, ':'))).toBe(false);
  expect(inspection.push(Buffer.alloc(1, ':'))).toBe(true);
});

test('nothing after the first 64 KiB is inspected if it arrives in a later chunk', () => {
  const inspection = new StreamInspection({});
  expect(inspection.push(Buffer.from(`${':'.repeat(60_000)}\n`))).toBe(false);
  expect(inspection.push(Buffer.from(`${':'.repeat(10_000)}\n\n${event({ error: { code: 429 } })}`))).toBe(true);
  expect(inspection.refusal).toBeUndefined();
});

test('nothing after the first 64 KiB is inspected, however the body is cut', () => {
  const text = `${':'.repeat(65_530)}\n\n${event({ error: { code: 429 } })}`;
  const inStream = new StreamInspection({});
  expect(inStream.push(Buffer.from(text))).toBe(true);
  const whole = new StreamInspection({});
  whole.whole(text);
  expect([inStream.refusal, whole.refusal]).toStrictEqual([undefined, undefined]);
});

test('a body that has been read is inspected in any form', () => {
  const text = event({ error: { code: 429 } });
  for (const body of [text, Buffer.from(text), Uint8Array.from(Buffer.from(text)).buffer]) {
    const inspection = new StreamInspection({});
    inspection.whole(body);
    expect(inspection.refusal?.status).toBe(429);
  }
  for (const body of [{ error: { code: 429 } }, undefined, new Blob([text])]) {
    const inspection = new StreamInspection({});
    inspection.whole(body);
    expect(inspection.refusal).toBeUndefined();
  }
});

test('a body that has been read ends the last event, which has no empty line after it', () => {
  const inspection = new StreamInspection({});
  inspection.whole(event({ error: { code: 429 } }).trimEnd());
  expect(inspection.refusal?.status).toBe(429);
});

test.each<[error: object, headers?: object]>([
  [{ message: 'ratelimit reached' }],
  [{ message: 'x' }, { 'x-ratelimit-limit-tokens': '0', 'x-ratelimit-remaining-tokens': '-1' }],
])('the error %j (%j) stands for a 429, and has no other fields', (error, headers = {}) => {
  expect(refusalIn(event({ error }), headers)).toStrictEqual({ status: 429, error });
});

test.each<[number, unknown, boolean]>([
  [200, 'text/event-stream', true],
  [201, 'Text/Event-Stream; charset=utf-8', true],
  [299, 'text/event-stream', true],
  [200, ' Text/Event-Stream ; charset=utf-8', true],
  [200, ['text/event-stream', 'text/plain'], true],
  [199, 'text/event-stream', false],
  [300, 'text/event-stream', false],
  [304, 'text/event-stream', false],
  [429, 'text/event-stream', false],
  [200, 'text/event-streams', false],
  [200, 'x text/event-stream', false],
  [200, 'application/json', false],
  [200, ['application/json', 'text/event-stream'], false],
  [200, ['text/event-stream'], true],
  [200, [], false],
  [200, { type: 'text/event-stream' }, false],
  [200, undefined, false],
])('a %i of the type %j is an event stream: %s', (status, type, expected) => {
  expect(isEventStream({ status, headers: { 'Content-Type': type } })).toBe(expected);
});
