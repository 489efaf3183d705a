import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * An HTTP server on loopback that plays an Azure OpenAI resource. You give it a function that answers each call:
 *
 *     const azure = await new FakeAzure(() => completion({ content: 'Hello!' })).listen();
 *     await fetch(azure.url);
 *     await azure.close();
 *
 * The function receives `{ method, url, headers, body, response }`, where `body` is a promise of a Buffer and `response` is
 * Node's own. It returns (a promise of) `{ status, headers, body, after, isRefusal }`. `after` delays the answer by so many
 * ms. It returns `undefined` if it used `response` itself, or if the call should hang.
 */
export class FakeAzure {
  /** How the calls ended. A call that is still running, or that got no answer, counts only as an attempt. */
  counts = { attempts: 0, answered: 0, throttled: 0, failed: 0 };
  #answer;
  #server = createServer((request, response) => {
    this.#receive(request, response).catch((error) => {
      // Callers may hang up in the middle of a request. Anything else is a mistake in `answer`.
      if (request.complete) throw error;
    });
  });

  constructor(answer) {
    this.#answer = answer;
    // Longer than any pause here, so that no connection closes just as it is used again.
    this.#server.keepAliveTimeout = 60_000;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Starts listening, on any free port by default. Rejects if the port is taken. */
  async listen(port = 0) {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** Closes the connections that no call uses at the moment, without having announced it. */
  closeIdle() {
    this.#server.closeIdleConnections();
  }

  /** Breaks every open connection. New ones are still accepted. */
  disconnect() {
    this.#server.closeAllConnections();
  }

  /** Stops listening and breaks every open connection. */
  async close() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.disconnect();
    await closed;
  }

  async #receive(request, response) {
    this.counts.attempts++;
    const { method, url, headers } = request;
    const reply = await this.#answer({ method, url, headers, body: read(request), response });
    if (reply === undefined) return;
    if (reply.after > 0) await sleep(reply.after);
    const body = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    this.counts[reply.isRefusal ? 'throttled' : kindOf(reply.status)]++;
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...reply.headers,
    });
    response.end(body);
  }
}

function read(request) {
  const body = new Promise((resolve, reject) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
  // Not every answer waits for the body.
  body.catch(() => undefined);
  return body;
}

function kindOf(status) {
  if (status === 429) return 'throttled';
  return status < 400 ? 'answered' : 'failed';
}

/** A chat completion. */
export function completion({ model = 'chat', messages = [], content }) {
  // Roughly what a tokenizer would count.
  const prompt_tokens = Math.ceil(JSON.stringify(messages).length / 4);
  const completion_tokens = Math.ceil(content.length / 4);
  return {
    status: 200,
    body: {
      id: `chatcmpl-${randomUUID()}`,
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1_000),
      model,
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
      usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
    },
  };
}

/** The same completion as a stream, one word an event. Azure begins with the results of its content filter. */
export function streamed({ status, body: { choices, usage, ...about } }) {
  const [{ message }] = choices;
  const chunk = (more) => ({ ...about, object: 'chat.completion.chunk', choices: [], ...more });
  const delta = (delta, finish_reason = null) => chunk({ choices: [{ index: 0, delta, finish_reason }] });
  const words = message.content.split(/(?<= )/).map((content) => delta({ content }));
  const begin = [chunk({ prompt_filter_results: [] }), delta({ role: 'assistant', content: '' })];
  return { status, ...events([...begin, ...words, delta({}, 'stop'), chunk({ usage })], '[DONE]') };
}

/** A refusal that a server puts into the stream of a 200: "rate limit exceeded", with the wait in its headers. */
export function throttledInStream(ms) {
  const refusal = throttled(ms);
  const { headers, body } = events([refusal.body]);
  return { status: 200, headers: { ...refusal.headers, ...headers }, body, isRefusal: true };
}

function events(list, last) {
  const data = [...list.map((each) => JSON.stringify(each)), ...(last === undefined ? [] : [last])];
  return {
    headers: { 'content-type': 'text/event-stream' },
    body: data.map((each) => `data: ${each}\n\n`).join(''),
  };
}

/** A refusal or an error, with the body that Azure gives it. */
export function failure(status, code, message) {
  return { status, body: { error: { code, message } } };
}

/**
 * A 429 that asks for a wait of `ms`. A provisioned deployment (PTU) sends it in milliseconds, next to the whole seconds that
 * every deployment sends.
 */
export function throttled(ms, { provisioned = false } = {}) {
  const seconds = Math.ceil(ms / 1_000);
  const message =
    'Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded call rate ' +
    `limit of your current OpenAI S0 pricing tier. Please retry after ${seconds} seconds.`;
  return {
    ...failure(429, '429', message),
    headers: {
      'retry-after': String(seconds),
      ...(provisioned && { 'retry-after-ms': String(Math.ceil(ms)) }),
    },
  };
}

/** A limit of `calls` in each period of `ms`. Returns a function that gives the ms that a call has to wait, 0 for none. */
export function callsPerPeriod({ calls, ms }) {
  let start;
  let period = 0;
  let used = 0;
  return () => {
    const now = performance.now();
    // The first period begins with the first call.
    start ??= now;
    const current = Math.floor((now - start) / ms);
    if (current !== period) [period, used] = [current, 0];
    if (used >= calls) return start + (period + 1) * ms - now;
    used++;
    return 0;
  };
}

/**
 * A leaky bucket, as provisioned throughput has: it holds `calls` and drains `perSecond`. Returns a function that gives the ms
 * that a call has to wait, 0 for none. After the wait there is room for `spare` calls.
 */
export function leakyBucket({ calls, perSecond, spare = 1 }) {
  let level = 0;
  let before = performance.now();
  return () => {
    const now = performance.now();
    level = Math.max(0, level - ((now - before) * perSecond) / 1_000);
    before = now;
    if (level + 1 > calls) return ((level + spare - calls) * 1_000) / perSecond;
    level++;
    return 0;
  };
}
