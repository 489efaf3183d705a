import { AbortReason } from '../../src/failover/abort';
import type { Outcome } from '../../src/failover/classify';
import type { Exchange, HttpClient, HttpRequest, Target } from '../../src/failover/http-client';
import { resolveRules } from '../../src/failover/options';
import type { FailoverOptions } from '../../src/failover/options';
import { newAttempt, newRun } from '../../src/failover/run';
import { sendAttempt } from '../../src/failover/send-attempt';
import { asIs } from '../../src/http/request-body';
import type { HttpResponse, RequestConfig } from '../../src/http/messages';
import type { Take } from '../../src/http/read-beginning';
import type { BackendOptions } from '../../src/pool/backend-options';
import { NO_NAMES } from '../../src/pool/candidates';
import { BackendPool } from '../../src/pool/pool';
import { coreOf } from '../../src/pool/pool-core';
import { deferred, refused } from '../support/stub-pool';

type Client = HttpClient<HttpRequest, HttpResponse>;

interface Setting {
  readonly config?: RequestConfig;
  readonly request?: Partial<HttpRequest>;
  readonly options?: FailoverOptions;
  readonly backend?: Partial<BackendOptions>;
}

const ok = (more: Partial<HttpResponse> = {}): HttpResponse => ({
  status: 200,
  statusText: '',
  headers: {},
  data: 'yes',
  config: {},
  ...more,
});

/** One attempt of a client that sends as told, before it was sent. */
function attemptWith(
  client: Pick<Client, 'send'> & Partial<Client>,
  { config = {}, request, options = {}, backend }: Setting = {},
) {
  const core = coreOf(new BackendPool([{ name: 'a', baseURL: 'a.example', ...backend }]));
  const discard = jest.fn((..._: Parameters<Client['discard']>) => undefined);
  const own: Client = {
    discard,
    fabricate: () => ok(),
    settle: (_, response) => response,
    translate: (_, error) => error,
    abortReason: (_, { why }) => why,
    errorFor: (_, error) => error,
    ...client,
  };
  const whole = { config, body: undefined, deployment: undefined, timeout: 0, streamed: false, obeysCancel: false };
  const run = newRun(own, { ...whole, ...request }, core, resolveRules(options, {}));
  const wanted = { deployment: undefined, pinned: undefined, final: NO_NAMES };
  const inFlight = core.begin(wanted, NO_NAMES, config, false)!;
  const current = newAttempt(run, inFlight, asIs(undefined));
  return { run, current, discard, outcome: () => sendAttempt(run, current) };
}

const errorOf = (outcome: Outcome<HttpResponse>): unknown =>
  'failure' in outcome ? outcome.failure.error : 'error' in outcome ? outcome.error : undefined;

describe('one attempt', () => {
  test('is a success with the response of a 2xx or 3xx', async () => {
    for (const status of [200, 204, 302]) {
      const response = ok({ status });
      const { outcome } = attemptWith({ send: () => Promise.resolve(response) });
      expect(await outcome()).toStrictEqual({ is: 'success', response });
    }
  });

  test('is a failure with the response of a 429 or 5xx, its code and its wait', async () => {
    const response = ok({ status: 429, headers: { 'retry-after': '7' }, data: { error: { code: 'RateLimit' } } });
    const { outcome } = attemptWith({ send: () => Promise.resolve(response) });
    expect(await outcome()).toMatchObject({
      is: 'failure',
      failure: { reason: 'throttled', status: 429, errorCode: 'RateLimit', response, attemptTimedOut: false },
      retryAfter: 7000,
    });
  });

  test('is a failure with the error of a client that rejects, or throws at once', async () => {
    const error = refused();
    const throwing = (): never => {
      throw error;
    };
    for (const send of [() => Promise.reject(error), throwing]) {
      const { outcome } = attemptWith({ send });
      expect(await outcome()).toMatchObject({ is: 'failure', failure: { reason: 'connection', error } });
    }
  });

  test('notes when it had its outcome', async () => {
    const { current, outcome } = attemptWith({ send: () => Promise.reject(refused()) });
    expect(current.endedAt).toBe(0);
    const before = performance.now();
    await outcome();
    expect(current.endedAt).toBeGreaterThanOrEqual(before);
  });

  test('reports no progress once it has failed, but still does after a success', async () => {
    const after = async (send: Client['send']) => {
      const { current, outcome } = attemptWith({ send });
      await outcome();
      return current.exchange.isOver;
    };
    expect(await after(() => Promise.resolve(ok()))).toBe(false);
    expect(await after(() => Promise.resolve(ok({ status: 500 })))).toBe(true);
    expect(await after(() => Promise.reject(refused()))).toBe(true);
  });
});

describe('the caller’s cancel', () => {
  test('keeps an attempt from being sent', async () => {
    const send = jest.fn(() => Promise.resolve(ok()));
    const config = { signal: AbortSignal.abort() };
    for (const obeysCancel of [true, false]) {
      const { outcome } = attemptWith({ send }, { config, request: { obeysCancel } });
      expect(await outcome()).toMatchObject({ is: 'unrelated' });
    }
    expect(send).not.toHaveBeenCalled();
  });

  test('ends an attempt at once if the client may ignore its signal', async () => {
    const controller = new AbortController();
    const { outcome } = attemptWith({ send: () => new Promise(() => undefined) }, { config: controller });
    const ended = outcome();
    controller.abort();
    expect(errorOf(await ended)).toMatchObject({ why: 'cancelled' });
  });

  test('is left to a client that obeys its signal', async () => {
    const controller = new AbortController();
    const { promise, reject } = deferred<HttpResponse>();
    const { current, outcome } = attemptWith(
      { send: () => promise },
      { config: controller, request: { obeysCancel: true } },
    );
    const ended = outcome();
    controller.abort();
    const error = Object.assign(new Error('the client’s own'), { code: 'ERR_CANCELED' });
    reject(error);
    expect(await ended).toStrictEqual({ is: 'unrelated', error });
    expect(current.exchange.abort).toBeUndefined();
  });
});

describe('an attempt that is given up', () => {
  const limited = { backend: { attemptTimeout: 5 } };

  test('is a failure for a timeout, and its signal has the client’s own reason', async () => {
    const { current, outcome } = attemptWith({ send: () => new Promise(() => undefined) }, limited);
    let isOver: boolean | undefined;
    current.exchange.abort!.addEventListener('abort', () => ({ isOver } = current.exchange));
    expect(await outcome()).toMatchObject({ is: 'failure', failure: { reason: 'timeout', attemptTimedOut: true } });
    expect(current.exchange.abort!.signal.reason).toBe('attempt-timeout');
    // What the client does when it is aborted is no progress any more.
    expect(isOver).toBe(true);
  });

  test('discards a response that arrives later, without looking at it', async () => {
    const { promise, resolve } = deferred<HttpResponse>();
    const readBeginning = jest.fn();
    const { current, discard, outcome } = attemptWith({ send: () => promise, readBeginning }, limited);
    await outcome();
    const late = ok({ headers: { 'content-type': 'text/event-stream' } });
    resolve(late);
    await promise;
    expect(discard.mock.calls).toStrictEqual([[late, current.exchange.abort]]);
    expect(readBeginning).not.toHaveBeenCalled();
  });

  test('tells the client what it rejected with meanwhile, for the error of the caller', async () => {
    const own = Object.assign(new Error('aborted'), { request: 'native' });
    const translate = jest.fn((_: HttpRequest, error: unknown) => error);
    const send = (_: HttpRequest, __: Target, { abort }: Exchange) =>
      new Promise<HttpResponse>((_resolve, reject) => {
        abort!.addEventListener('abort', () => reject(own));
      });
    const { outcome } = attemptWith({ send, translate }, limited);
    await outcome();
    expect(translate).toHaveBeenCalledWith(expect.anything(), expect.any(AbortReason), own);
  });
});

describe('an attempt that ends after the caller’s time', () => {
  const never = { send: () => new Promise<HttpResponse>(() => undefined) };

  test('blames its backend, since it had the whole of it', async () => {
    const { outcome } = attemptWith(never, { request: { timeout: 5 } });
    expect(await outcome()).toMatchObject({ is: 'expired', blame: true, failure: { reason: 'timeout' } });
  });

  test('blames nobody if something else had used a part of it', async () => {
    const { run, current } = attemptWith(never, { request: { timeout: 20 } });
    await run.budget.guard(() => Promise.resolve());
    const next = newAttempt(run, current.inFlight, current.body);
    expect(await sendAttempt(run, next)).toMatchObject({ is: 'expired', blame: false });
  });
});

describe('an event stream', () => {
  const stream = (): HttpResponse => ok({ headers: { 'content-type': 'text/event-stream' }, data: undefined });
  const refusal = 'data: {"error":{"code":"429","message":"Please retry after 9 seconds."}}\n\n';

  /** A client whose response has this beginning. */
  const beginningWith = (text: string, isOver = false): Pick<Client, 'send' | 'readBeginning'> => ({
    send: () => Promise.resolve(stream()),
    readBeginning: (_, response, take) => {
      take(new TextEncoder().encode(text));
      return { response: { ...response, data: 'all of it' }, isOver: Promise.resolve(isOver) };
    },
  });

  test('is a failure if its first event is a refusal, with the wait in its words', async () => {
    const { outcome } = attemptWith(beginningWith(refusal));
    expect(await outcome()).toMatchObject({
      is: 'failure',
      failure: { reason: 'throttled', status: 429, streamError: { code: '429' }, response: { data: 'all of it' } },
      retryAfter: 9000,
    });
  });

  test('is a success otherwise, with the response that has all of the body', async () => {
    for (const request of [{}, { timeout: 1000 }]) {
      const { outcome } = attemptWith(beginningWith('data: {"choices":[]}\n\n'), { request });
      expect(await outcome()).toMatchObject({ is: 'success', response: { status: 200, data: 'all of it' } });
    }
  });

  test('that ends within an event is looked at as far as it goes', async () => {
    const { outcome } = attemptWith(beginningWith(refusal.trimEnd(), true));
    expect(await outcome()).toMatchObject({ is: 'failure', failure: { status: 429 } });
  });

  test('that the client has read as a whole is looked at too', async () => {
    const send = () => Promise.resolve({ ...stream(), data: refusal });
    const { outcome } = attemptWith({ send, readBeginning: () => undefined });
    expect(await outcome()).toMatchObject({ is: 'failure', failure: { status: 429 } });
  });

  test('is not looked at with `inspectStreams: false`, nor if it has another type', async () => {
    const readBeginning = jest.fn();
    const off = attemptWith(
      { send: () => Promise.resolve(stream()), readBeginning },
      { options: { inspectStreams: false } },
    );
    expect(await off.outcome()).toMatchObject({ is: 'success' });
    const json = { ...stream(), headers: { 'content-type': 'application/json' } };
    const other = attemptWith({ send: () => Promise.resolve(json), readBeginning });
    expect(await other.outcome()).toMatchObject({ is: 'success' });
    expect(readBeginning).not.toHaveBeenCalled();
  });

  test('is a failure if it breaks off before its first event', async () => {
    const error = Object.assign(new Error('broken'), { code: 'ECONNRESET' });
    const { outcome } = attemptWith({
      send: () => Promise.resolve(stream()),
      readBeginning: (_, response) => ({ response, isOver: Promise.reject(error) }),
    });
    expect(await outcome()).toMatchObject({ is: 'failure', failure: { error, status: 200 } });
  });

  test('is discarded if the time is over before its first event', async () => {
    const held = ok({ data: 'held' });
    const readBeginning = (_: unknown, __: unknown, ___: Take) => ({
      response: held,
      isOver: new Promise<boolean>(() => undefined),
    });
    const { discard, outcome } = attemptWith(
      { send: () => Promise.resolve(stream()), readBeginning },
      { backend: { attemptTimeout: 5 } },
    );
    await outcome();
    expect(discard.mock.calls.map(([response]) => response)).toStrictEqual([held]);
  });
});

describe('a credential of a provider', () => {
  test('is fetched for the attempt, and sent', async () => {
    const send = jest.fn((_: HttpRequest, __: Target) => Promise.resolve(ok()));
    const { outcome } = attemptWith({ send }, { backend: { apiKey: () => Promise.resolve('fresh') } });
    expect(await outcome()).toMatchObject({ is: 'success' });
    expect(Object.fromEntries(send.mock.calls[0]![1].credentials)).toMatchObject({ 'api-key': 'fresh' });
  });

  test('that arrives after the attempt was given up is not sent', async () => {
    const key = deferred<string>();
    const send = jest.fn(() => Promise.resolve(ok()));
    const { outcome } = attemptWith({ send }, { backend: { apiKey: () => key.promise, attemptTimeout: 5 } });
    await outcome();
    key.resolve('late');
    await key.promise;
    await new Promise(setImmediate);
    expect(send).not.toHaveBeenCalled();
  });

  test('that the provider fails to give is a failure of its backend', async () => {
    const { outcome } = attemptWith(
      { send: () => Promise.resolve(ok()) },
      { backend: { apiKey: () => Promise.reject(new Error('no token')) } },
    );
    expect(await outcome()).toMatchObject({ is: 'failure', failure: { reason: 'credential' } });
  });
});
