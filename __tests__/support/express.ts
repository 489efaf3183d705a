/** Express, which has no types here, with as many of them as the tests and the examples in the docs need. */
import { createRequire } from 'node:module';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

interface Response extends ServerResponse {
  status(status: number): Response;
  json(body: unknown): void;
}

type Handler = (request: IncomingMessage, response: Response) => unknown;

interface Express {
  (request: IncomingMessage, response: ServerResponse): void;
  use(path: string, ...handlers: Handler[]): void;
  get(path: string, handler: Handler): void;
  listen(port: number, host: string, listening: () => void): Server;
}

export default createRequire(__filename)('express') as () => Express;
