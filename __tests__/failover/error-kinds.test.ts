/** What errors of axios, Node, undici, Bun, Deno, workerd and browsers count as, by their fields alone. */
import { errorChain } from '../../src/base/errors';
import type { Connection } from '../../src/failover/connection';
import {
  isCallersMistake,
  isClosedSession,
  isEndedByCaller,
  isNetworkError,
  isOutOfFileDescriptors,
  isRedirectRefusal,
  isRefusedStream,
  isUnreadableForm,
  reasonOfError,
  refusalIn,
  wasRedirected,
} from '../../src/failover/error-kinds';

const failing = (fields: object): Error => Object.assign(new Error('x'), fields);

const chainOf = (fields: object) => errorChain(failing(fields));

/** What a client saw of a connection, unless a test says otherwise: nothing. */
const unseen: Connection = {
  error: undefined,
  isUnsent: undefined,
  isStale: false,
  isQueued: false,
  head: undefined,
  isRedirected: false,
  hasLeftOrigin: false,
};

describe('nothing was sent, so the reason is connection, with', () => {
  test.each(
    [
      ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN'],
      ...['EADDRNOTAVAIL', 'ENOENT', 'ESERVFAIL', 'ETIMEOUT', 'EREFUSED', 'ENODATA', 'EFORMERR', 'EBADRESP'],
      ...['ECANCELLED', 'UND_ERR_CONNECT_TIMEOUT', 'ConnectionRefused', 'CERT_HAS_EXPIRED', 'CRL_NOT_YET_VALID'],
      ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      ...['HOSTNAME_MISMATCH', 'INVALID_CA', 'PATH_LENGTH_EXCEEDED', 'ERROR_IN_CERT_NOT_AFTER_FIELD'],
      ...['ERR_TLS_CERT_ALTNAME_INVALID', 'EPROTO', 'ERR_TLS_HANDSHAKE_TIMEOUT', 'ERR_SSL_WRONG_VERSION_NUMBER'],
      ...['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION'],
    ].map((code) => [{ code }]),
  )('%j', (fields) => {
    expect(reasonOfError(failing(fields))).toBe('connection');
    expect(reasonOfError(failing({ code: 'ERR_NETWORK', cause: failing(fields) }))).toBe('connection');
    expect(reasonOfError(failing({ ...fields, syscall: 'read' }))).toBe('ambiguous');
    expect(reasonOfError(failing({ ...fields, syscall: 'write' }))).toBe('ambiguous');
  });

  test.each([
    [{ code: 'ETIMEDOUT', syscall: 'connect' }],
    [{ code: 'ECONNRESET', syscall: 'connect' }],
    [{ code: 'EX', syscall: 'getaddrinfo' }],
    [{ code: 'EX', syscall: 'queryA' }],
    [{ rstCode: 7 }],
    [{ message: 'Stream closed with error code NGHTTP2_REFUSED_STREAM' }],
    [{ message: 'Client network socket disconnected before secure TLS connection was established' }],
    [{ message: 'bad port' }],
    [{ code: 'UND_ERR_ABORTED', message: 'Proxy response (502) !== 200 when HTTP Tunneling' }],
  ])('%j', (fields) => {
    expect(reasonOfError(failing(fields))).toBe('connection');
  });
});

test.each([
  [{ code: 'ECONNRESET' }, 'ambiguous'],
  [{ code: 'EPIPE' }, 'ambiguous'],
  [{ code: 'ECONNABORTED' }, 'timeout'],
  [{ code: 'ETIMEDOUT' }, 'timeout'],
  [{ code: 'XECONNABORTED' }, 'ambiguous'],
  [{ code: 'ETIMEDOUTX' }, 'ambiguous'],
  [{ code: 'XECONNREFUSED' }, 'ambiguous'],
  [{ code: 'ESERVFAILX' }, 'ambiguous'],
  [{ code: 'ConnectionRefusedX' }, 'ambiguous'],
  [{ code: 'EPROTOTYPE' }, 'ambiguous'],
  [{ code: 'ERR_HTTP2_STREAM_ERROR' }, 'ambiguous'],
  [{ code: 'EX', syscall: 'connectX' }, 'ambiguous'],
  [{ code: 'EX', syscall: 'Xconnect' }, 'ambiguous'],
  [{ rstCode: 8 }, 'ambiguous'],
  [{ message: 'a bad port' }, 'ambiguous'],
  [{ code: 'UND_ERR_ABORTED', message: 'HTTP Tunneling has ended' }, 'ambiguous'],
  [{ message: 'bad port 6000' }, 'ambiguous'],
  [{}, 'ambiguous'],
  [{ code: 'ERR_CREDENTIAL' }, 'credential'],
])('an error with %j has the reason %s', (fields, reason) => {
  expect(reasonOfError(failing(fields))).toBe(reason);
});

describe('what a client saw of the connection', () => {
  test('tells better than a code whether anything was sent', () => {
    expect(reasonOfError(failing({ code: 'ECONNRESET' }), { ...unseen, isUnsent: true })).toBe('connection');
    expect(reasonOfError(failing({ code: 'ECONNREFUSED' }), { ...unseen, isUnsent: false })).toBe('ambiguous');
  });

  test('includes that the handshake is hidden, so a code of TLS says nothing', () => {
    const hidden = { ...unseen, hidesHandshake: true };
    expect(reasonOfError(failing({ code: 'EPROTO' }), hidden)).toBe('ambiguous');
    expect(reasonOfError(failing({ code: 'ECONNREFUSED' }), hidden)).toBe('connection');
  });

  test('includes a redirect, after which the first server has had the request', () => {
    expect(reasonOfError(failing({ code: 'ECONNREFUSED' }), { ...unseen, isRedirected: true })).toBe('ambiguous');
  });
});

test.each([
  [{ request: { _redirectCount: 1 } }, true],
  [{ request: { _redirectCount: 0 } }, false],
  [{ request: {} }, false],
  [{}, false],
])('of an error with %j, a redirect was followed: %s', (fields, expected) => {
  expect(wasRedirected(failing(fields))).toBe(expected);
  expect(reasonOfError(failing({ code: 'ECONNREFUSED', ...fields }))).toBe(expected ? 'ambiguous' : 'connection');
});

test.each([
  ['EMFILE', true],
  ['ENFILE', true],
  ['XEMFILE', false],
  ['EMFILEX', false],
  [undefined, false],
])('an error with the code %s says that there are no more file descriptors: %s', (code, expected) => {
  expect(isOutOfFileDescriptors(chainOf({ code }))).toBe(expected);
  expect(isOutOfFileDescriptors(chainOf({ cause: failing({ code }) }))).toBe(expected);
});

test('a closed session and a refused stream of HTTP/2 are told from other errors', () => {
  const closed = ['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION', 'ERR_HTTP2_SESSION_ERROR', undefined];
  expect(closed.map((code) => isClosedSession(failing({ code })))).toStrictEqual([true, true, false, false]);
  const refused = [{ rstCode: 7 }, { message: 'NGHTTP2_REFUSED_STREAM' }, { rstCode: 8 }, {}];
  expect(refused.map((fields) => isRefusedStream(failing(fields)))).toStrictEqual([true, true, false, false]);
});

test.each([
  [{ code: 'UnexpectedRedirect' }, true],
  [{ message: 'unexpected redirect' }, true],
  [{ message: 'redirect count exceeded' }, true],
  [{ message: 'Redirect mode is set to error' }, true],
  [{ message: 'Redirect was cancelled' }, true],
  [{ message: 'redirected' }, false],
  [{ code: 'ECONNRESET' }, false],
])('an error with %j is a redirect that fetch refuses: %s', (fields, expected) => {
  expect(isRedirectRefusal(failing(fields))).toBe(expected);
});

test.each([
  [{ code: 'ERR_CANCELED' }, {}, true],
  [{ code: 'ERR_FR_TOO_MANY_REDIRECTS' }, {}, true],
  [{ code: 'ERR_UNKNOWN_ENCODING' }, {}, true],
  [{ message: 'unexpected redirect' }, {}, true],
  [{ message: 'maxContentLength size of 100 exceeded' }, { maxContentLength: 100 }, true],
  [{ message: 'maxContentLength size of 0 exceeded' }, { maxContentLength: 0 }, true],
  [{ message: 'maxContentLength size of -1 exceeded' }, { maxContentLength: -1 }, false],
  [{ message: 'maxContentLength size of -1 exceeded', code: 'ERR_CANCELED' }, {}, false],
  [{ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' }, {}, true],
  [{ code: 'XERR_CANCELED' }, {}, false],
  [{ code: 'ECONNRESET' }, {}, false],
])('an error with %j and a config of %j was ended by the caller: %s', (fields, config, expected) => {
  expect(isEndedByCaller(chainOf(fields), config)).toBe(expected);
});

test.each([
  ['formdata', { message: 'not a form' }, true],
  ['FormData', { message: 'not a form' }, true],
  ['formdata', { code: 'ECONNRESET' }, false],
  ['json', { message: 'not a form' }, false],
  ['xformdata', { message: 'not a form' }, false],
  ['formdatax', { message: 'not a form' }, false],
  [undefined, { message: 'not a form' }, false],
])('with the responseType %s, an error with %j says that the body is no form: %s', (responseType, fields, expected) => {
  expect(isUnreadableForm(chainOf(fields), { responseType })).toBe(expected);
});

test.each([
  ...[
    ...['ERR_BAD_OPTION', 'ERR_BAD_OPTION_VALUE', 'ERR_BAD_REQUEST', 'ERR_NOT_SUPPORT', 'ERR_DEPRECATED'],
    ...['ERR_FORM_DATA_DEPTH_EXCEEDED', 'ERR_OUT_OF_RANGE', 'ERR_HTTP_INVALID_HEADER_VALUE', 'ERR_INVALID_URL'],
    ...['ERR_HTTP2_INVALID_HEADER_VALUE', 'ERR_UNESCAPED_CHARACTERS', 'ERR_HTTP_CONTENT_LENGTH_MISMATCH'],
    ...['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'UND_ERR_INVALID_ARG', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED'],
    ...['UND_MOCK_ERR_MOCK_NOT_MATCHED', 'ERR_ASSERTION'],
  ].map((code) => [{ code }, true] as const),
  [{ name: 'NotReadableError' }, true],
  [{ message: 'integrity mismatch' }, true],
  [{ cause: failing({ code: 'ERR_INVALID_CHAR' }) }, true],
  // What a server sent, as undici reports it.
  [{ cause: failing({ code: 'ERR_ASSERTION' }) }, false],
  [{ code: 'ERR_HTTP2_INVALID_SESSION' }, false],
  [{ code: 'ERR_BAD_RESPONSE' }, false],
  [{ code: 'ERR_BAD_REQUESTS' }, false],
  [{ code: 'XERR_BAD_REQUEST' }, false],
  [{ code: 'UND_ERR_CLOSEDX' }, false],
  [{ code: 'UND_ERR_SOCKET' }, false],
  [{}, false],
] as const)('an error with %j is a mistake of the caller: %s', (fields, expected) => {
  expect(isCallersMistake(chainOf(fields))).toBe(expected);
});

test.each([
  ...[
    ...['ECONNRESET', 'ERR_NETWORK', 'UND_ERR_SOCKET', 'HPE_INVALID_CONSTANT', 'Z_DATA_ERROR', 'CERT_X', 'CRL_X'],
    ...['UNABLE_X', 'SELF_SIGNED_X', 'DEPTH_X', 'HOSTNAME_X', 'INVALID_X', 'PATH_X', 'ConnectionClosed'],
    ...['FailedToOpenSocket', 'InvalidHTTPResponse', 'Timeout', 'ZlibError'],
  ].map((code) => [{ code }, true] as const),
  ...[
    ...['Network Error', 'network error', 'NetworkError when attempting to fetch resource.', 'timeout of 5ms exceeded'],
    ...['fetch failed', 'Failed to fetch', 'Load failed', 'terminated', 'error sending request for url (http://x)'],
    ...['error reading a body from connection', 'Error in body stream', 'Error in input stream'],
    ...['Network connection lost.', 'internal error; reference = x'],
  ].map((message) => [{ message }, true] as const),
  [{ name: 'NetworkError' }, true],
  [{ name: 'TimeoutError' }, true],
  [{ code: 'E2BIG' }, false],
  [{ code: 'my-own-code' }, false],
  [{ code: 'xERR_NETWORK' }, false],
  [{ message: 'a timeout of 5ms' }, false],
  [{ message: 'an error sending request' }, false],
  [{ message: 'the internal error; reference' }, false],
  [{ message: 'not implemented' }, false],
] as const)('an error with %j comes from the network or a server: %s', (fields, expected) => {
  expect(isNetworkError(chainOf(fields), undefined)).toBe(expected);
  expect(isNetworkError(chainOf({ cause: failing(fields) }), undefined)).toBe(expected);
});

test('what the native request failed with comes from the network, whatever it is', () => {
  const error = failing({ message: 'of an agent' });
  expect(isNetworkError(errorChain(error), { ...unseen, error })).toBe(true);
  expect(isNetworkError(errorChain(error), { ...unseen, error: failing({}) })).toBe(false);
});

describe('an error of fetch is no network error if its cause is a bug:', () => {
  const isNetwork = (cause: Error) => isNetworkError(errorChain(new TypeError('fetch failed', { cause })), undefined);

  test.each([
    new RangeError('Maximum call stack size exceeded'),
    new ReferenceError('retries is not defined'),
    new SyntaxError('Unexpected token'),
    new TypeError('agent.dispatch is not a function'),
    new TypeError('Agent is not a constructor'),
    new TypeError('options is not iterable'),
    new TypeError("Cannot read properties of undefined (reading 'x')"),
    new TypeError("Cannot destructure property 'x' of 'undefined'"),
  ])('%s', (bug) => {
    expect(isNetwork(bug)).toBe(false);
  });

  test.each([
    new Error('retries is not defined'),
    new TypeError('Network request failed'),
    Object.assign(new RangeError('Invalid chunk'), { code: 'UND_ERR_INFO' }),
  ])('but not %s', (error) => {
    expect(isNetwork(error)).toBe(true);
  });
});

test.each([
  ['ECONNREFUSED', new TypeError('x is not a function')],
  ['ECONNRESET', new RangeError('x')],
  ['ERR_BAD_RESPONSE', new SyntaxError('Unexpected token <')],
])('%s is a network error whatever its cause is', (code, cause) => {
  expect(isNetworkError(errorChain(Object.assign(new Error('x', { cause }), { code })), undefined)).toBe(true);
});

test('ERR_NETWORK, as axios calls what its fetch adapter throws, is none if its cause is a bug', () => {
  const isNetwork = (cause: Error) =>
    isNetworkError(
      errorChain(Object.assign(new Error('Network Error', { cause }), { code: 'ERR_NETWORK' })),
      undefined,
    );
  expect([isNetwork(new TypeError('x is not a function')), isNetwork(new TypeError('Failed to fetch'))]).toStrictEqual([
    false,
    true,
  ]);
});

describe('a refusal in an error of undici’s dispatchers', () => {
  const config = {};
  const refusal = (fields: object) => refusalIn(new TypeError('fetch failed', { cause: failing(fields) }), config);

  test.each([
    [{ code: 'UND_ERR_REQ_RETRY', statusCode: 429, headers: { 'retry-after': '5' } }, undefined],
    [{ code: 'UND_ERR_RESPONSE', statusCode: 429, headers: { 'retry-after': '5' }, body: 'text' }, 'text'],
    [
      { code: 'UND_ERR_RESPONSE', statusCode: 429, headers: { 'retry-after': '5' }, data: { error: {} } },
      { error: {} },
    ],
  ])('%j', (fields, data) => {
    expect(refusal(fields)).toStrictEqual({
      status: 429,
      statusText: '',
      headers: { 'retry-after': '5' },
      data,
      config,
    });
  });

  test.each([
    { code: 'UND_ERR_REQ_RETRY', statusCode: 206, headers: {} },
    { code: 'UND_ERR_REQ_RETRY', headers: {} },
    { code: 'UND_ERR_SOCKET', statusCode: 429, headers: {} },
  ])('not %j', (fields) => {
    expect(refusal(fields)).toBeUndefined();
  });
});
