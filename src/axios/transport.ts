import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { HTTP_REDIRECTS, RedirectError, isRedirect } from '../http/redirect';

/** What axios's http adapter passes to a transport, as far as it is used here. */
interface TransportOptions extends Omit<RequestOptions, 'hostname'> {
  hostname?: string | undefined;
  readonly maxBodyLength: number;
}

/**
 * A `transport` for axios's http adapter: Node's own `request`, without follow-redirects around it, which costs 18 % of a
 * request over loopback. The redirects are followed one level higher, with `nextHop`.
 */
export class Transport {
  /** The URL that was requested. */
  url = '';
  /** Its fragment, which isn't sent. */
  hash = '';

  /** @param followsRedirects whether a redirect's body is of no interest */
  constructor(readonly followsRedirects: boolean) {}

  /** Called by axios. */
  request(options: TransportOptions, respond: (response: IncomingMessage) => void): ClientRequest {
    // Looked up at each call: instrumentation and mocks replace it.
    const { request } = process.getBuiltinModule(options.protocol === 'https:' ? 'node:https' : 'node:http');
    this.url = urlOf(options) + this.hash;
    // axios 1.5 keeps the brackets of an IPv6 address, which Node would look up as a name.
    options.hostname = options.hostname?.replace(/^\[|\]$/g, '');
    const sent = request(options, (response) => {
      const { headers } = response;
      if (this.followsRedirects && isRedirect(response.statusCode!, headers.location, HTTP_REDIRECTS)) {
        respond(headOf(response, sent));
        return;
      }
      // As follow-redirects leaves it: axios's users read these.
      if (this.followsRedirects) Object.assign(response, { responseUrl: this.url, redirects: [] });
      respond(response);
    });
    if (options.maxBodyLength !== Infinity) limitBody(sent, options.maxBodyLength);
    return sent;
  }
}

function urlOf({ protocol, hostname, port, path }: TransportOptions): string {
  // Through a proxy, the path is the whole URL.
  if (!path?.startsWith('/')) return String(path);
  const host = hostname?.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : String(hostname);
  return `${String(protocol)}//${host}${port ? `:${String(port)}` : ''}${path}`;
}

/** A redirect without its body, which may never end. As in follow-redirects, its connection is closed. */
function headOf(response: IncomingMessage, sent: ClientRequest): IncomingMessage {
  const { Readable } = process.getBuiltinModule('node:stream');
  const { statusCode, statusMessage, headers } = response;
  const empty = Readable.from([]);
  const head = Object.assign(empty, { statusCode, statusMessage, headers: { location: headers.location }, req: sent });
  // axios still writes the request's body until it has read the head.
  head.on('close', () => {
    sent.destroy();
    response.destroy();
  });
  return head as unknown as IncomingMessage;
}

/** axios 1.13 and older leave the limit of bodies that they turn into streams to follow-redirects. */
function limitBody(sent: ClientRequest, limit: number): void {
  const write = sent.write.bind(sent) as (...args: unknown[]) => boolean;
  let length = 0;
  sent.write = (...args: unknown[]): boolean => {
    length += Buffer.byteLength(args[0] as string | Buffer);
    if (length <= limit) return write(...args);
    sent.destroy(new RedirectError('Request body larger than maxBodyLength limit', 'ERR_FR_MAX_BODY_LENGTH_EXCEEDED'));
    return false;
  };
}
