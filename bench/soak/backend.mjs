import { setTimeout as sleep } from 'node:timers/promises';
import { failure, FakeAzure, throttled } from '../../examples/demo/fake-azure.mjs';

/**
 * A backend that misbehaves and keeps a log. `did` of an entry is `received` (the body was still arriving), `answered`,
 * `reset`, `hung`, `truncated` or `abandoned` (the client was gone before the answer).
 */
export class Backend {
  /** The entries, by request and attempt as the headers name them. */
  log = new Map();
  /** When this backend broke its connections, and the periods in which it didn't listen. */
  departures = [];
  absences = [];
  /** When it closed its idle connections. */
  idleClosings = [];
  #random;
  #problem;
  #azure = new FakeAzure((call) => this.#answer(call));
  #port = 0;

  /**
   * @param random makes a random source for one attempt, or for this backend's absences
   * @param problem is called with a description of each thing that must not happen
   */
  constructor(name, random, problem) {
    this.name = name;
    this.#random = random;
    this.#problem = problem;
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /**
   * Uses a port below those that systems give to outgoing connections. One of those could take this backend's port while it
   * is away, or connect to itself.
   */
  async start() {
    do this.#port = 20_000 + Math.floor(Math.random() * 12_000);
    while (!(await this.#listens()));
  }

  async #listens() {
    return this.#azure.listen(this.#port).then(
      () => true,
      () => false,
    );
  }

  /** Now and then breaks its connections, or stops listening for a while. */
  async comeAndGo(signal) {
    const random = this.#random('absences');
    while (await slept(300 + random() * 1200, signal)) {
      const from = performance.now();
      this.departures.push(from);
      this.#azure.disconnect();
      if (random() < 0.3) continue;
      await this.#azure.close();
      await slept(100 + random() * 400, signal);
      while (!(await this.#listens())) await sleep(10);
      this.absences.push({ from, to: performance.now() });
    }
  }

  /** Closes its idle connections again and again, so that some are stale when they are used next. */
  async closeIdle(signal) {
    const random = this.#random('idle connections');
    while (await slept(5 + random() * 30, signal)) {
      this.idleClosings.push(performance.now());
      this.#azure.closeIdle();
    }
  }

  /** Forgets when it broke connections before a time. */
  forget(before) {
    this.departures = this.departures.filter((time) => time >= before);
    this.idleClosings = this.idleClosings.filter((time) => time >= before);
    this.absences = this.absences.filter(({ to }) => to >= before);
  }

  async end() {
    this.departures.push(performance.now());
    await this.#azure.close();
  }

  async #answer({ headers, body, response }) {
    const { 'x-request-id': id, 'x-attempt': attempt, 'x-body': expected } = headers;
    const key = `${id}/${attempt}`;
    const entry = { did: 'received' };
    if (headers['api-key'] !== `key-of-${this.name}`) this.#problem(`${this.name} received another backend's key`);
    if (headers.authorization !== undefined) this.#problem(`${this.name} received the caller's token`);
    if (this.log.has(key)) this.#problem(`${this.name} received attempt ${key} twice`);
    this.log.set(key, entry);
    const { length } = await body;
    if (expected !== undefined && length !== Number(expected))
      this.#problem(`${this.name} received ${length} of ${expected} bytes in ${key}`);
    return behave(this.#random(key), entry, response);
  }
}

function behave(random, entry, response) {
  const dice = random();
  if (dice < 0.6) return answered(entry, { status: 200, body: { ok: true } });
  if (dice < 0.75) return answered(entry, throttled(waitBy(random), { provisioned: true }));
  if (dice < 0.8) return answered(entry, failure(500, 'InternalServerError', 'x'.repeat(100_000)));
  if (dice < 0.83) return answered(entry, { ...failure(503, '503', 'Busy'), headers: { 'retry-after': '86400' } });
  if (dice < 0.86) return answered(entry, failure(400, 'BadRequest', 'Bad request'));
  if (dice < 0.89) return reset(entry, response);
  if (dice < 0.91) return hang(entry);
  if (dice < 0.92) return truncate(entry, response, 200);
  if (dice < 0.93) return truncate(entry, response, 429, waitBy(random));
  if (dice < 0.935) return truncate(entry, response, 500);
  if (dice < 0.94) return truncate(entry, response, 400);
  return answerSlowly(entry, response, random() * 150);
}

function answered(entry, reply) {
  const { 'retry-after-ms': wait } = reply.headers ?? {};
  Object.assign(entry, { did: 'answered', status: reply.status, wait: Number(wait ?? 0), at: performance.now() });
  return reply;
}

function reset(entry, response) {
  entry.did = 'reset';
  response.socket?.destroy();
}

function hang(entry) {
  entry.did = 'hung';
}

/** The head arrives and half of the body. What the head says counts. */
function truncate(entry, response, status, wait = 0) {
  Object.assign(entry, { did: 'truncated', status, wait });
  const headers = { 'content-length': '100', ...(wait > 0 && { 'retry-after-ms': String(wait) }) };
  response.writeHead(status, headers).write('{"half', () => response.socket?.destroy());
}

/** ms, as a whole number */
function waitBy(random) {
  return Math.ceil(10 + random() * 60);
}

async function answerSlowly(entry, response, ms) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  if (await slept(ms, gone.signal)) return answered(entry, { status: 200, body: { slow: true } });
  entry.did = 'abandoned';
}

/** Resolves with whether the sleep ran to its end. */
function slept(ms, signal) {
  return sleep(ms, true, { signal }).catch(() => false);
}
