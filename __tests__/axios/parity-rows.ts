import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import axios from 'axios';
import type { AxiosRequestConfig } from 'axios';
import NodeFormData from 'form-data';
import { resetConnection, truncateBody } from '../support/fake-backend';
import type { Reply } from '../support/fake-backend';

/** A request, made anew for each client, and what the server replies. */
export interface Row {
  /** @param origin of the server, or of the caller's own `baseURL` */
  readonly config?: (origin: string) => AxiosRequestConfig;
  readonly reply?: Reply;
}

const TEXT = '{"text":"ü","n":1}';
const encoded = (encoding: string, body: Buffer): Reply => ({ body, headers: { 'content-encoding': encoding } });
const redirect = (status: number, to = '/there'): Reply => {
  return ({ url }, response) => {
    if (url === '/there') response.end('there');
    else response.writeHead(status, { location: to }).end();
  };
};
const post = (data: () => unknown, more: AxiosRequestConfig = {}): Row => ({
  config: () => ({ method: 'post', data: data(), ...more }),
});
const with_ = (config: AxiosRequestConfig, reply?: Reply): Row => ({ config: () => config, ...(reply && { reply }) });
const form = () => {
  const made = new FormData();
  made.append('model', 'm');
  made.append('file', new Blob(['bytes ü'], { type: 'text/plain' }), 'a.txt');
  return made;
};
const packageForm = () => {
  const made = new NodeFormData();
  made.append('model', 'm');
  made.append('file', Buffer.from('bytes ü'), 'a.txt');
  return made;
};
const json = { headers: { 'content-type': 'application/json' } };
const signal = (reason?: unknown) => {
  const abort = new AbortController();
  abort.abort(reason);
  return abort.signal;
};

export const ROWS: Record<string, Row> = {
  // Where to
  'an absolute url': { config: (origin) => ({ url: `${origin}/a/b?c=1` }) },
  'an absolute url and a baseURL': { config: (origin) => ({ url: `${origin}/a`, baseURL: `${origin}/base` }) },
  'allowAbsoluteUrls: false': {
    config: (origin) => ({ url: '/a', baseURL: `${origin}/base`, allowAbsoluteUrls: false }),
  },
  'a baseURL with a slash': { config: (origin) => ({ url: '/a', baseURL: `${origin}/base/` }) },
  'a baseURL and an empty url': { config: (origin) => ({ url: '', baseURL: `${origin}/base` }) },
  'a url without a slash': with_({ url: 'a/b' }),
  'a url of a query alone': { config: (origin) => ({ url: '?a=1', baseURL: `${origin}/base` }) },
  'a url with a fragment': with_({ url: '/a?b=1#part' }),
  'a url with encoded characters': with_({ url: '/a%20b/ü?q=%2F&r=a b' }),
  'params of all kinds': with_({
    params: { a: [1, 'ü'], b: { c: true }, d: null, e: undefined, f: new Date(0), g: 'x y:$,' },
  }),
  'params beside a query': with_({ url: '/x?own=1', params: { a: 1 } }),
  'params of a class': with_({ params: new URLSearchParams('a=1&a=2&b=%20') }),
  'a paramsSerializer with indexes': with_({ params: { a: [1, 2] }, paramsSerializer: { indexes: null } }),
  'a paramsSerializer with encode': with_({
    params: { a: 'x y' },
    paramsSerializer: { encode: (text) => `<${String(text)}>` },
  }),
  'a paramsSerializer function': with_({ params: { a: 1 }, paramsSerializer: { serialize: () => 'own=1' } }),
  // How
  'a method in upper case': with_({ method: 'PUT', data: 'x' }),
  'a method in mixed case': with_({ method: 'Delete' }),
  'a method of its own': with_({ method: 'query', data: 'x' }),
  'a PATCH in lower case': with_({ method: 'patch', data: { a: 1 } }),
  'a HEAD': with_({ method: 'head' }),
  OPTIONS: with_({ method: 'options' }),
  // Headers
  'own headers': with_({ headers: { 'X-Own': 'a', accept: 'text/plain', 'x-number': 7, 'X-True': true } }),
  'a list of headers': with_({ headers: { 'X-List': ['a', 'b'] } }),
  'removed headers': with_({ headers: { Accept: false, 'User-Agent': null, 'X-None': undefined } }),
  'a User-Agent': with_({ headers: { 'User-Agent': 'own/1' } }),
  'headers for one method': with_({ headers: { get: { 'x-get': '1' }, common: { 'x-common': '1' } } as never }),
  auth: with_({ auth: { username: 'ü', password: 'p:p' } }),
  'auth beside an Authorization': with_({
    auth: { username: 'u', password: 'p' },
    headers: { Authorization: 'Bearer x' },
  }),
  'xsrf settings': with_({ xsrfCookieName: 'c', xsrfHeaderName: 'x-csrf', withXSRFToken: true }),
  withCredentials: with_({ withCredentials: true }),
  // Bodies
  'no body': with_({ method: 'post' }),
  'a body of null': post(() => null),
  'an empty text': post(() => ''),
  'a text': post(() => 'text ü'),
  'a text that is JSON': post(() => TEXT, json),
  'an object': post(() => ({ text: 'ü', list: [1], none: undefined })),
  'a list': post(() => [1, 'a']),
  'a number': post(() => 7, json),
  'a boolean': post(() => false, json),
  'a Buffer': post(() => Buffer.from('bytes ü')),
  'an ArrayBuffer': post(() => new TextEncoder().encode('bytes ü').buffer),
  'a Uint8Array': post(() => new TextEncoder().encode('bytes ü')),
  'a DataView': post(() => new DataView(new TextEncoder().encode('bytes').buffer)),
  'a URLSearchParams': post(() => new URLSearchParams({ a: '1', b: 'ü' })),
  'a Blob': post(() => new Blob(['bytes ü'], { type: 'text/csv' })),
  'a File': post(() => new File(['bytes'], 'a.txt', { type: 'text/plain' })),
  'a FormData': post(form),
  'a form of the form-data package': post(packageForm),
  'an object as a form': post(() => ({ a: 1, b: { c: 2 } }), { headers: { 'content-type': 'multipart/form-data' } }),
  'an object as a urlencoded form': post(() => ({ a: 1, b: { c: [2] } }), {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }),
  'a formSerializer': post(() => ({ a: { b: 1 } }), {
    headers: { 'content-type': 'multipart/form-data' },
    formSerializer: { dots: true },
  }),
  'a Readable': post(() => Readable.from(['a', 'ü'], { objectMode: false })),
  'a ReadableStream': post(() => new Blob(['bytes']).stream()),
  'a Content-Type without a body': with_({ method: 'post', headers: { 'content-type': 'application/json' } }),
  'a transformRequest': post(() => ({ a: 1 }), { transformRequest: (data: object) => `own ${JSON.stringify(data)}` }),
  maxBodyLength: post(() => 'x'.repeat(100), { maxBodyLength: 10 }),
  'maxBodyLength of a Blob': post(() => new Blob(['x'.repeat(100)]), { maxBodyLength: 10 }),
  maxRate: with_({ maxRate: [1_000_000, 1_000_000] }),
  onUploadProgress: post(() => 'x'.repeat(1000), { onUploadProgress: () => undefined }),
  // Responses
  JSON: with_({}, { body: TEXT, headers: { 'content-type': 'application/json' } }),
  'JSON that is none': with_({}, { body: '{"half":', headers: { 'content-type': 'application/json' } }),
  'JSON that is none, strictly': with_(
    { responseType: 'json', transitional: { silentJSONParsing: false } },
    { body: '{"half":' },
  ),
  'an empty body': with_({}, { body: '' }),
  'a 204': with_({}, { status: 204 }),
  'a 304': with_({}, { status: 304 }),
  'a 400': with_({}, { status: 400, body: { error: { message: 'ü' } } }),
  'a 404 that is accepted': with_({ validateStatus: null }, { status: 404, body: 'no' }),
  'a 404 by a function': with_({ validateStatus: (status) => status === 404 }, { status: 404, body: 'no' }),
  'a 200 that is refused': with_({ validateStatus: () => false }),
  'many headers': with_({}, { headers: { 'x-a': '1', 'X-B': 'ü' } }),
  cookies: { reply: (_, response) => void response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end('ok') },
  "responseType: 'text'": with_({ responseType: 'text' }, { body: TEXT }),
  "responseType: 'arraybuffer'": with_({ responseType: 'arraybuffer' }, { body: TEXT }),
  "responseType: 'blob'": with_({ responseType: 'blob' }, { body: TEXT, headers: { 'content-type': 'text/plain' } }),
  "responseType: 'stream'": with_({ responseType: 'stream' }, { body: TEXT }),
  "responseType: 'formdata'": with_(
    { responseType: 'formdata' },
    { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  ),
  "responseType: 'document'": with_({ responseType: 'document' }, { body: '<p>' }),
  responseEncoding: with_({ responseEncoding: 'latin1', responseType: 'text' }, { body: TEXT }),
  'a parseReviver': with_(
    { parseReviver: (key: string, value: unknown) => (key === 'n' ? 2 : value) } as AxiosRequestConfig,
    { body: TEXT },
  ),
  'a transformResponse': with_(
    { transformResponse: (data: unknown, _: unknown, status?: number) => `${String(status)} ${String(data)}` },
    { body: TEXT },
  ),
  gzip: with_({}, encoded('gzip', gzipSync(TEXT))),
  br: with_({}, encoded('br', brotliCompressSync(TEXT))),
  deflate: with_({}, encoded('deflate', deflateSync(TEXT))),
  'an encoding that is not the one named': with_({ method: 'post' }, encoded('gzip', Buffer.from(TEXT))),
  'decompress: false': with_({ decompress: false, responseType: 'arraybuffer' }, encoded('gzip', gzipSync(TEXT))),
  maxContentLength: with_({ maxContentLength: 5 }, { body: TEXT }),
  'maxContentLength of a stream': with_({ maxContentLength: 5, responseType: 'stream' }, { body: TEXT }),
  onDownloadProgress: with_({ onDownloadProgress: () => undefined }, { body: TEXT }),
  'a body that is cut': with_({ method: 'post' }, truncateBody),
  'a reset': with_({ method: 'post' }, resetConnection),
  // Redirects
  'a 301': with_({}, redirect(301)),
  'a 302 of a POST': with_({ method: 'post', data: { a: 1 } }, redirect(302)),
  'a 307 of a POST': with_({ method: 'post', data: { a: 1 } }, redirect(307)),
  'a 308 with headers': with_({ method: 'put', data: 'x', headers: { 'x-own': '1', cookie: 'a=1' } }, redirect(308)),
  'maxRedirects: 0': with_({ maxRedirects: 0, validateStatus: null }, redirect(302)),
  'a 304 with a Location': with_({ validateStatus: null }, { status: 304, headers: { location: '/there' } }),
  beforeRedirect: with_(
    { beforeRedirect: (options) => void Object.assign(options.headers as object, { 'x-hook': '1' }) },
    redirect(302),
  ),
  // Limits and cancels
  'a timeout': with_({ method: 'post', timeout: 200 }, () => undefined),
  'a timeoutErrorMessage': with_({ method: 'post', timeout: 200, timeoutErrorMessage: 'own' }, () => undefined),
  clarifyTimeoutError: with_(
    { method: 'post', timeout: 200, transitional: { clarifyTimeoutError: true } },
    () => undefined,
  ),
  'a timeout as text': with_({ method: 'post', timeout: '200' as never }, () => undefined),
  'a timeout that is no number': with_({ timeout: 'soon' as never }),
  'a signal that is aborted already': { config: () => ({ signal: signal() }) },
  'a cancelToken that is cancelled already': {
    config: () => ({ cancelToken: new axios.CancelToken((cancel) => cancel('enough')) }),
  },
  // Adapters
  'an httpAgent': { config: () => ({ httpAgent: new Agent({ keepAlive: false }) }) },
  'proxy: false': with_({ proxy: false }),
  insecureHTTPParser: with_({ insecureHTTPParser: true }),
  family: with_({ family: 4 }),
  'a lookup': with_({
    lookup: (_: string, __: unknown, done: (...args: unknown[]) => void) => done(null, '127.0.0.1', 4),
  } as AxiosRequestConfig),
  fetchOptions: with_({ fetchOptions: { cache: 'no-store', keepalive: false } }),
  'a wrong header': with_({ headers: { 'x-own': 'a\u0000b' } }),
  'a wrong responseType': with_({ responseType: 'nothing' as never }, { body: TEXT }),
};
