/** Express, which has no types here, with as many of them as the tests and the examples in the docs need. */
import { createRequire } from 'node:module';
import type { IncomingMessage, ServerResponse } from 'node:http';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

interface Express extends Handler {
  (request: IncomingMessage, response: ServerResponse): void;
  use(path: string, ...handlers: Handler[]): void;
}

export default createRequire(__filename)('express') as () => Express;
