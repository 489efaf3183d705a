import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PoolEvent } from '../pool/events';
import type { BackendPool } from '../pool/pool';
import { PAGE, SCRIPT_HASH, STYLE_HASH } from './inlined';
import { Monitor } from './monitor';
import type { BackendReport } from './monitor';
import { checkOptions, checkPools } from './options';
import type { StatusPageOptions } from './options';
import { PoolMessages } from './pool-messages';
import { EventBatch } from './event-batch';
import { Viewers } from './viewers';

/** A request handler for `node:http`, Express and whatever mounts such a function. */
export interface StatusPage {
  /**
   * Answers a request.
   *
   * @param request as Node's server gives it
   * @param response as Node's server gives it
   */
  (request: IncomingMessage, response: ServerResponse): void;
  /** Ends the viewers' connections and stops watching the pools. */
  close(): void;
}

/** A pool as the page shows it. */
export interface PoolReport {
  /** In the order in which the pool has them. */
  readonly backends: readonly BackendReport[];
}

/** What `snapshot.json` holds. */
export interface StatusSnapshot {
  /** ms since 1970 */
  readonly at: number;
  /** The backends of each pool. A single pool has the name `pool`. */
  readonly pools: Readonly<Record<string, PoolReport>>;
}

/** Nothing but the page's own script and style runs, and it talks to nobody but its own server. */
const POLICY = [
  "default-src 'none'",
  `script-src '${SCRIPT_HASH}'`,
  `style-src '${STYLE_HASH}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => ENTITIES[char]!);

/**
 * Makes a live page that shows the backends of one or more pools. It has no login: mount it behind your own.
 *
 * @param pools a pool, or several by name
 * @param options all have defaults
 * @returns a request handler
 * @throws TypeError that names the place and the value
 */
export function statusPage(
  pools: BackendPool | Readonly<Record<string, BackendPool>>,
  options: StatusPageOptions = {},
): StatusPage {
  const { title, path, history, maxClients } = checkOptions(options);
  const html = PAGE.replaceAll('{{title}}', () => escapeHtml(title));
  const watched = new Watched(checkPools(pools), history);
  const { viewers } = watched;

  const stream = (request: IncomingMessage, response: ServerResponse) => {
    if (watched.closed || viewers.size >= maxClients) {
      const why = watched.closed ? 'Closed' : 'Too many viewers';
      respond(request, response, 503, 'text/plain', why, { 'retry-after': '10' });
      return;
    }
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    if (request.method === 'HEAD') response.end();
    else viewers.add(request, response);
  };

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const { route, redirect } = routeOf(request, path);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      respond(request, response, 405, 'text/plain', 'Method not allowed', { allow: 'GET, HEAD' });
    } else if (redirect !== undefined) {
      respond(request, response, 308, 'text/plain', '', { location: redirect });
    } else if (route === '/') respond(request, response, 200, 'text/html', html);
    else if (route === '/snapshot.json') respond(request, response, 200, 'application/json', watched.snapshot());
    else if (route === '/events') stream(request, response);
    else respond(request, response, 404, 'text/plain', 'Not found');
  };
  return Object.assign(handle, { close: () => watched.close() });
}

/** The pools that a page shows, and who looks at them. */
class Watched {
  readonly viewers = new Viewers(this);
  readonly #unread = new EventBatch();
  readonly #monitors: readonly (readonly [name: string, monitor: Monitor])[];
  closed = false;

  constructor(pools: ReadonlyMap<string, BackendPool>, history: number) {
    this.#monitors = [...pools].map(([pool, backends]) => {
      const messages = new PoolMessages(pool);
      const tell = (event: PoolEvent, at: number) => {
        if (this.viewers.size > 0) this.viewers.tell(messages.of(event, at));
      };
      return [pool, new Monitor(backends, history, this.#unread, tell)];
    });
  }

  read(): void {
    this.#unread.read();
  }

  snapshot(): string {
    const snapshot: StatusSnapshot = { at: Date.now(), pools: this.#reports() };
    return JSON.stringify(snapshot);
  }

  signature(): string {
    this.#unread.read();
    const seen = this.#monitors.map(([, monitor]) => monitor.seen);
    const timeless = (key: string, value: unknown) => (key === 'remaining' ? undefined : value);
    return JSON.stringify([seen, this.#reports()], timeless);
  }

  history(): string {
    return JSON.stringify({
      pools: Object.fromEntries(this.#monitors.map(([name, monitor]) => [name, monitor.history()])),
    });
  }

  close(): void {
    this.closed = true;
    for (const [, monitor] of this.#monitors) monitor.close();
    this.viewers.close();
  }

  #reports(): StatusSnapshot['pools'] {
    return Object.fromEntries(this.#monitors.map(([name, monitor]) => [name, { backends: monitor.report() }]));
  }
}

/** The part of the URL below the mount path, and where to redirect if relative links need a slash at the end. */
function routeOf(request: IncomingMessage, path: string): { readonly route?: string; readonly redirect?: string } {
  const url = pathOf(request.url!);
  const route = url === path ? '/' : url.startsWith(`${path}/`) ? url.slice(path.length) : '';
  // Express removes the path from `url` alone, and then adds the slash that wasn't there.
  const { originalUrl = request.url! } = request as { originalUrl?: string };
  const whole = pathOf(originalUrl);
  if (route !== '/' || whole.endsWith('/')) return { route };
  // Relative, so that it holds behind a proxy that removes a path too.
  const last = whole.slice(whole.lastIndexOf('/') + 1);
  const [query = ''] = /\?.*$/s.exec(originalUrl) ?? [];
  return { redirect: `./${last}/${query}` };
}

/** Every server has to accept a whole URL too, as proxies get it. */
const pathOf = (url: string) => url.replace(/^https?:\/\/[^/?]*/i, '').replace(/\?.*$/s, '') || '/';

function respond(
  { method }: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const charset = type === 'application/json' ? '' : '; charset=utf-8';
  response.writeHead(status, { ...HEADERS, 'content-type': `${type}${charset}`, ...headers });
  response.end(method === 'HEAD' ? undefined : body);
}
