import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A backend that misbehaves, and writes down what came and what it did about it. An entry of its log says in `did`:
 * `received` (the body was still coming), `answered`, `reset`, `hung`, `truncated`, or `abandoned` (the client was gone
 * before the answer).
 */
export class Backend {
  /** By request and attempt, as the headers name them. */
  log = new Map();
  /** When all connections were broken, and from when to when nobody listened. */
  departures = [];
  absences = [];
  #random;
  #problem;
  #server = createServer((request, response) => this.#receive(request, response));
  #port = 0;

  /**
   * @param random makes a source of numbers for one attempt, or for this backend's comings and goings
   * @param problem told of what must not be
   */
  constructor(name, random, problem) {
    this.name = name;
    this.#random = random;
    this.#problem = problem;
    this.#server.keepAliveTimeout = 30_000;
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /**
   * Below the ports that systems give to outgoing connections: one of those could take this backend's while it is away,
   * or connect to itself.
   */
  async start() {
    for (;;) {
      this.#port = 20_000 + Math.floor(Math.random() * 12_000);
      if (await this.#listens()) return;
    }
  }

  async #listens() {
    this.#server.listen(this.#port, '127.0.0.1');
    return once(this.#server, 'listening').then(
      () => true,
      () => false,
    );
  }

  /** Breaks its connections, or goes away altogether and comes back, now and then. */
  async comeAndGo(signal) {
    const random = this.#random('tide');
    while (await awake(300 + random() * 1200, signal)) {
      this.#break();
      if (random() < 0.3) continue;
      const from = performance.now();
      await this.#close();
      await awake(100 + random() * 400, signal);
      while (!(await this.#listens())) await sleep(10);
      this.absences.push({ from, to: performance.now() });
    }
  }

  /** For good. */
  async end() {
    this.#break();
    await this.#close();
  }

  #break() {
    this.departures.push(performance.now());
    this.#server.closeAllConnections();
  }

  async #close() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    // Those that were taken on in between.
    this.#server.closeAllConnections();
    await closed;
  }

  #receive(request, response) {
    const {
      authorization,
      'x-request-id': id,
      'x-attempt': attempt,
      'x-body': expected,
      'api-key': key,
    } = request.headers;
    const entry = { did: 'received' };
    if (key !== `key-of-${this.name}`) this.#problem(`${this.name} was given another key`);
    if (authorization !== undefined) this.#problem(`${this.name} was given the caller's token`);
    if (this.log.has(`${id}/${attempt}`)) this.#problem(`${this.name} got attempt ${id}/${attempt} twice`);
    this.log.set(`${id}/${attempt}`, entry);
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    let length = 0;
    request.on('data', (chunk) => (length += chunk.length));
    request.on('end', () => {
      if (expected !== undefined && length !== Number(expected))
        this.#problem(`${this.name} got ${length} bytes of ${expected} in ${id}/${attempt}`);
      behave(this.#random(`${id}/${attempt}`), entry, response);
    });
  }
}

function behave(random, entry, response) {
  const dice = random();
  if (dice < 0.6) answer(entry, response, 200, {}, '{"ok":true}');
  else if (dice < 0.75) answer(entry, response, 429, { 'retry-after-ms': String(10 + random() * 60) }, '{}');
  else if (dice < 0.8) answer(entry, response, 500, {}, 'x'.repeat(100_000));
  else if (dice < 0.83) answer(entry, response, 503, { 'retry-after': '86400' }, '{}');
  else if (dice < 0.86) answer(entry, response, 400, {}, '{"error":{}}');
  else if (dice < 0.89) reset(entry, response);
  else if (dice < 0.91) entry.did = 'hung';
  else if (dice < 0.94) truncate(entry, response);
  else answerSlowly(entry, response, random() * 150);
}

function answer(entry, response, status, headers, body) {
  Object.assign(entry, { did: 'answered', status, at: performance.now() });
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

function reset(entry, response) {
  entry.did = 'reset';
  response.socket?.destroy();
}

function truncate(entry, response) {
  Object.assign(entry, { did: 'truncated', status: 200 });
  response.writeHead(200, { 'content-length': '100' }).write('{"half', () => response.socket?.destroy());
}

function answerSlowly(entry, response, ms) {
  const timer = setTimeout(() => answer(entry, response, 200, {}, '{"slow":true}'), ms);
  response.on('close', () => {
    clearTimeout(timer);
    if (entry.did === 'received') entry.did = 'abandoned';
  });
}

/** Returns whether it slept that long, rather than being ended. */
function awake(ms, signal) {
  return sleep(ms, true, { signal }).catch(() => false);
}
