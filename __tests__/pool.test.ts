import axios from 'axios';
import type { BackendPool } from '../src';
import type { BackendOptions, PoolEvent } from '../src';
import { rejection } from './support/backend';
import { deferred, scene, stillClock, throttled, turn } from './support/in-process';

afterEach(() => jest.restoreAllMocks());

const two = { a: {}, b: { priority: 2 } };
const chat = '/openai/deployments/chat/chat/completions';
const embeddings = '/openai/deployments/embed/embeddings';

describe('a cooldown', () => {
  test('lasts as long as the server said, to the millisecond', async () => {
    const clock = stillClock();
    const { request, answers, asked } = scene(two);
    answers.a = throttled(43);
    await request();
    answers.a = 200;
    clock.forward(42.9);
    await request();
    clock.forward(0.1);
    await request();
    expect(asked).toEqual(['a', 'b', 'b', 'a']);
  });

  test('only ever ends later: neither a shorter wait nor a late success moves it', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene(two);
    const slow = deferred<number>();
    answers.a = () => slow.promise;
    const late = request();
    await turn();
    answers.a = throttled(1000);
    await request();
    pool.cool('a', 10);
    slow.resolve(200);
    expect((await late).attempts).toMatchObject([{ backend: 'a', status: 200 }]);
    clock.forward(999);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'throttled', remaining: 1 }] });
  });

  test('of the longer wait wins over a shorter one before it', async () => {
    stillClock();
    const { request, answers, pool } = scene(two);
    const answersOfA = [throttled(100), throttled(500), throttled(200)];
    const gates = answersOfA.map(() => deferred<(typeof answersOfA)[0]>());
    let i = 0;
    answers.a = () => gates[i++]!.promise;
    const requests = gates.map(() => request());
    for (const [at, gate] of gates.entries()) gate.resolve(answersOfA[at]!);
    await Promise.all(requests);
    expect(pool.snapshot()[0]?.cooldowns).toEqual([{ reason: 'throttled', remaining: 500 }]);
  });

  test('of a deployment is no event of recovery while the whole backend is out, but is one with it', async () => {
    const clock = stillClock();
    const { request, pool } = scene(two);
    const events: PoolEvent[] = [];
    pool.cool('a', 100, 'chat');
    pool.cool('a', 200);
    pool.cool('a', 50);
    pool.subscribe((event) => void (event.type !== 'attempt' && events.push(event)));
    clock.forward(100);
    await request();
    expect(events).toEqual([]);
    clock.forward(100);
    await request();
    expect(events).toEqual([
      { type: 'recovered', backend: 'a' },
      { type: 'recovered', backend: 'a', scope: 'chat' },
    ]);
  });

  test('of a backend that has left is no event', async () => {
    const { request, answers, pool } = scene(two);
    const events: string[] = [];
    const asked = deferred<number>();
    answers.a = () => asked.promise;
    const underWay = request();
    await turn();
    pool.update([{ baseURL: 'https://b.example', name: 'b' }]);
    pool.update([
      { baseURL: 'https://a.example', name: 'a' },
      { baseURL: 'https://b.example', name: 'b', priority: 2 },
    ]);
    pool.subscribe(({ type }) => void events.push(type));
    asked.resolve(500);
    expect((await underWay).attempts).toMatchObject([{ backend: 'a', status: 500 }, { backend: 'b' }]);
    expect(events).toEqual(['attempt', 'attempt']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', failures: 0, pending: 0 });
  });

  test('of no time by hand is none', () => {
    const { pool } = scene(two);
    const listener = jest.fn();
    pool.subscribe(listener);
    pool.cool('a', 0);
    expect(listener).not.toHaveBeenCalled();
  });

  test('is not touched by a step of the wall clock', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene(two);
    answers.a = throttled(5000);
    await request();
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 1e9);
    expect(pool.snapshot()[0]?.cooldowns[0]?.remaining).toBe(5000);
    clock.forward(5000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', cooldowns: [] });
  });

  test('without a named wait doubles for each further failure in a row, up to the longest, and a success resets it', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene(two, { defaultCooldown: 1000, maxCooldown: 5000 });
    const cooldownsOf = async (times: number) => {
      const seen: unknown[] = [];
      for (let i = 0; i < times; i++) {
        seen.push((await request()).attempts?.[0]?.cooldown);
        clock.forward(5000);
      }
      return seen;
    };
    answers.a = 500;
    expect(await cooldownsOf(5)).toEqual([1000, 2000, 4000, 5000, 5000]);
    answers.a = 200;
    await request();
    answers.a = 500;
    expect(await cooldownsOf(2)).toEqual([1000, 2000]);
    expect(pool.snapshot()[0]?.failures).toBe(7);
  });

  test('of a throttle without a named wait doubles too, and the server’s word does not', async () => {
    const clock = stillClock();
    const { request, answers } = scene(two, { defaultCooldown: 1000 });
    const seen: unknown[] = [];
    for (const answer of [429, 429, throttled(70), 429]) {
      answers.a = answer;
      seen.push((await request({ url: chat })).attempts?.[0]?.cooldown);
      clock.forward(10_000);
    }
    expect(seen).toEqual([1000, 2000, 70, 4000]);
  });

  test('after a wait that the server named begins at its shortest, also for what was asked before', async () => {
    const { request, answers, pool } = scene({ a: {} }, { defaultCooldown: 1000 });
    const gate = deferred<number>();
    answers.a = () => gate.promise;
    const slow = request({ validateStatus: null });
    answers.a = throttled(50);
    await request({ validateStatus: null });
    gate.resolve(500);
    expect((await slow).attempts).toMatchObject([{ status: 500, cooldown: 1000 }]);
    expect(pool.snapshot()[0]).toMatchObject({ failures: 2 });
  });

  test('is told of where it begins or becomes longer, and of the scope only where it has one', async () => {
    stillClock();
    const { pool } = scene({ a: {} });
    const events: PoolEvent[] = [];
    pool.subscribe((event) => void events.push(event));
    pool.cool('a', 1000);
    pool.cool('a', 500);
    pool.cool('a', 1000);
    pool.cool('a', 2000, 'gpt-4o');
    expect(events).toStrictEqual([
      { type: 'cooldown', backend: 'a', reason: 'manual', duration: 1000 },
      { type: 'cooldown', backend: 'a', scope: 'gpt-4o', reason: 'manual', duration: 2000 },
    ]);
    expect(pool.snapshot()[0]?.cooldowns).toStrictEqual([
      { reason: 'manual', remaining: 1000 },
      { scope: 'gpt-4o', reason: 'manual', remaining: 2000 },
    ]);
    await Promise.resolve();
  });

  test('counts ten concurrent failures as one', async () => {
    const clock = stillClock();
    const { request, answers } = scene(two, { defaultCooldown: 1000 });
    const gate = deferred<number>();
    answers.a = () => gate.promise;
    const requests = Array.from({ length: 10 }, () => request());
    gate.resolve(500);
    const cooldowns = (await Promise.all(requests)).map(({ attempts }) => attempts?.[0]?.cooldown);
    expect(cooldowns).toEqual(Array(10).fill(1000));
    clock.forward(1000);
    answers.a = 500;
    expect((await request()).attempts?.[0]?.cooldown).toBe(2000);
  });
});

describe('the scope of a cooldown', () => {
  test('a 429 covers the deployment that the URL names', async () => {
    stillClock();
    const { request, answers, asked, pool } = scene(two);
    answers.a = throttled(1000);
    await request({ url: chat });
    answers.a = 200;
    await request({ url: embeddings });
    await request({ url: chat });
    await request({ url: '/openai/v1/chat/completions' });
    expect(asked).toEqual(['a', 'b', 'a', 'b', 'a']);
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'available',
      available: true,
      cooldowns: [{ scope: 'chat', reason: 'throttled', remaining: 1000 }],
    });
  });

  test('a 429 without a deployment in the URL, a 5xx and a network failure cover the backend', async () => {
    stillClock();
    const { request, answers, asked, pool } = scene(two);
    for (const [answer, url] of [
      [429, '/openai/v1/responses'],
      [500, chat],
      [Object.assign(new Error(), { code: 'ECONNREFUSED' }), chat],
    ] as const) {
      answers.a = answer;
      await request({ url });
      expect(pool.snapshot()[0]?.state).toBe('cooling');
      asked.length = 0;
      await request({ url: embeddings });
      expect(asked).toEqual(['b']);
      pool.restore('a');
    }
  });

  test('is the name that the backend knows the deployment by', async () => {
    stillClock();
    const { request, answers, asked, pool } = scene({
      a: { deployments: { chat: 'own chat', other: 'own chat' } },
      b: { priority: 2 },
    });
    answers.a = throttled(1000);
    await request({ url: chat });
    expect(pool.snapshot()[0]?.cooldowns).toMatchObject([{ scope: 'own chat' }]);
    await request({ url: '/openai/deployments/other/chat' });
    expect(asked).toEqual(['a', 'b', 'b']);
    pool.restore('a');
    pool.cool('a', 50, 'own chat');
    await request({ url: chat });
    expect(asked.at(-1)).toBe('b');
  });

  test('100,000 distinct names are not all remembered', async () => {
    stillClock();
    const { request, answers, pool } = scene(two);
    answers.a = throttled(60_000);
    for (let i = 0; i < 100_000; i++) await request({ url: `/openai/deployments/d${String(i)}/chat` });
    const { cooldowns = [] } = pool.snapshot()[0] ?? {};
    expect(cooldowns.length).toBeLessThanOrEqual(500);
    expect(cooldowns.at(-1)?.scope).toBe('d99999');
  });
});

describe('a trial', () => {
  const dead = async (options = {}) => {
    const clock = stillClock();
    const all = scene(two, { defaultCooldown: 1000, ...options });
    const events: PoolEvent[] = [];
    all.answers.a = 500;
    await all.request();
    all.pool.subscribe((event) => void (event.type !== 'attempt' && events.push(event)));
    all.asked.length = 0;
    return { ...all, clock, events };
  };

  test('with a dead primary and 500 callers at once, one caller a cooldown pays for finding out', async () => {
    const { request, answers, asked, clock } = await dead();
    answers.a = async () => {
      await turn();
      return 500;
    };
    for (const round of [1, 2, 3]) {
      clock.forward(1000 * 2 ** round);
      asked.length = 0;
      const responses = await Promise.all(Array.from({ length: 500 }, () => request()));
      expect(responses.every(({ status }) => status === 200)).toBe(true);
      expect(asked.filter((name) => name === 'a')).toHaveLength(1);
    }
  });

  test('that succeeds puts the backend back and says so once', async () => {
    const { request, answers, asked, clock, events, pool } = await dead();
    clock.forward(1000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial', available: false, cooldowns: [] });
    answers.a = 200;
    expect(events).toEqual([]);
    await request();
    expect(events).toEqual([{ type: 'recovered', backend: 'a' }]);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', available: true });
    await request();
    expect(asked).toEqual(['a', 'a']);
    expect(events).toHaveLength(1);
  });

  test('under way leaves the backend to those whom nobody else can serve', async () => {
    const { request, answers, asked, clock, pool } = await dead();
    clock.forward(1000);
    const gate = deferred<number>();
    answers.a = () => gate.promise;
    const trial = request();
    await request();
    expect(asked).toEqual(['a', 'b']);
    pool.cool('b', 5000);
    const second = request();
    await turn();
    expect(asked).toEqual(['a', 'b', 'a']);
    gate.resolve(200);
    expect((await Promise.all([trial, second])).map(({ status }) => status)).toEqual([200, 200]);
  });

  test.each<[string, (cancel: AbortController) => void]>([
    ['cancelled', (cancel) => cancel.abort()],
    ['of the caller’s own making', () => undefined],
  ])('that is %s leaves its place to the next', async (name, end) => {
    const { adapter, request, answers, asked, clock, pool } = await dead();
    clock.forward(1000);
    const gate = deferred<Error>();
    answers.a = () => gate.promise;
    const cancel = new AbortController();
    const trial = rejection(axios.get('/x', { adapter, signal: cancel.signal }));
    await turn();
    end(cancel);
    gate.resolve(Object.assign(new Error(), { code: 'ERR_BAD_OPTION' }));
    expect(await trial).toMatchObject({ code: name === 'cancelled' ? 'ERR_CANCELED' : 'ERR_BAD_OPTION' });
    answers.a = 200;
    await request();
    expect(asked).toEqual(['a', 'a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', pending: 0 });
  });

  test('whose success comes too late to prove anything leaves its place all the same', async () => {
    const { request, answers, asked, clock, pool } = await dead();
    clock.forward(1000);
    const gate = deferred<number>();
    answers.a = () => gate.promise;
    const trial = request();
    await turn();
    pool.cool('b', 10);
    answers.a = { status: 503, headers: { 'retry-after-ms': '30' } };
    await request();
    gate.resolve(200);
    await trial;
    clock.forward(30);
    answers.a = 200;
    asked.length = 0;
    await request();
    expect(asked).toEqual(['a']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'available', pending: 0 });
  });

  test('is not passed by an answer to what was asked before the failure', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene(two, { defaultCooldown: 1000 });
    const gate = deferred<number>();
    answers.a = () => gate.promise;
    const early = request();
    await turn();
    answers.a = 500;
    await request();
    gate.resolve(200);
    await early;
    clock.forward(1000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial', successes: 1 });
    // Nor does it end the row of failures.
    expect((await request()).attempts?.[0]?.cooldown).toBe(2000);
  });

  test('that is never heard of again loses its place after the longest cooldown', async () => {
    const { request, answers, asked, clock } = await dead({ maxCooldown: 5000 });
    clock.forward(1000);
    answers.a = () => new Promise(() => undefined);
    void request();
    await turn();
    answers.a = 200;
    asked.length = 0;
    clock.forward(4999);
    await request();
    clock.forward(1);
    await request();
    expect(asked).toEqual(['b', 'a']);
  });

  test('answered with a 4xx of the caller’s proves nothing yet', async () => {
    const { request, answers, clock, pool } = await dead();
    clock.forward(1000);
    answers.a = 400;
    await request({ validateStatus: null });
    expect(pool.snapshot()[0]?.state).toBe('trial');
  });

  test('does not follow a wait that the server asked for, nor a cooldown by hand', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene(two);
    answers.a = { status: 503, headers: { 'retry-after': '2' } };
    await request();
    pool.cool('b', 100);
    clock.forward(2000);
    expect(pool.snapshot().map(({ state }) => state)).toEqual(['available', 'available']);
  });

  test('that is held stays held while another request brings a wait over maxCooldown', async () => {
    const { request, answers, clock, pool, asked } = await dead({ maxCooldown: 2000 });
    clock.forward(1000);
    const gate = deferred<number>();
    answers.a = () => gate.promise;
    const trial = request();
    await turn();
    pool.cool('b', 100_000);
    answers.a = throttled(86_400_000);
    await request();
    pool.restore('b');
    await request();
    expect(asked).toEqual(['a', 'a', 'b']);
    gate.resolve(200);
    await trial;
  });
});

describe('a trial among other changes', () => {
  test('keeps its place when an attempt fails that began before it', async () => {
    const clock = stillClock();
    const { request, answers, asked, pool } = scene(two, { defaultCooldown: 100 });
    const [late, trial] = [deferred<number>(), deferred<number>()];
    answers.a = () => late.promise;
    const first = request();
    answers.a = 500;
    await request();
    clock.forward(100);
    answers.a = () => trial.promise;
    const second = request();
    await turn();
    late.resolve(500);
    await first;
    clock.forward(1000);
    asked.length = 0;
    await request();
    expect(asked).toEqual(['b']);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial', pending: 1 });
    trial.resolve(200);
    await second;
    await request();
    expect(asked).toEqual(['b', 'a']);
  });

  test('that is held stays held when somebody else comes back, and when another’s attempt ends', async () => {
    const clock = stillClock();
    const { request, answers, asked, pool } = scene({ a: {}, b: { priority: 2 } }, { defaultCooldown: 1000 });
    answers.a = 500;
    await request();
    clock.forward(1000);
    const trial = deferred<number>();
    answers.a = () => trial.promise;
    const first = request();
    pool.cool('b', 500);
    answers.a = 404;
    await request({ validateStatus: null });
    clock.forward(500);
    await request();
    expect(asked).toEqual(['a', 'b', 'a', 'a', 'b']);
    trial.resolve(404);
    await first;
    await request();
    expect(asked.at(-1)).toBe('a');
  });

  test('is not passed by what began before the failure that is the last', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene({ a: {} }, { defaultCooldown: 1000 });
    const [one, two] = [deferred<number>(), deferred<number>()];
    answers.a = () => one.promise;
    const fails = request({ validateStatus: null });
    answers.a = () => two.promise;
    const succeeds = request();
    one.resolve(500);
    await fails;
    two.resolve(200);
    await succeeds;
    clock.forward(1000);
    expect(pool.snapshot()[0]).toMatchObject({ state: 'trial' });
  });
});

describe('a server wait over maxCooldown', () => {
  test('is one that is longer, not one that is as long', async () => {
    const { request, answers, pool } = scene({ a: {} }, { maxCooldown: 1000 });
    answers.a = throttled(1000);
    await request({ validateStatus: null });
    expect(pool.snapshot()[0]).toMatchObject({ state: 'cooling', cooldowns: [{ reason: 'throttled' }] });
  });

  test('leaves those who wait behind the others in the order of their priorities', async () => {
    const { request, answers, asked } = scene({ a: {}, b: { priority: 2 } }, { maxCooldown: 1000 });
    answers.a = answers.b = throttled(5000);
    await request({ validateStatus: null });
    answers.a = answers.b = throttled(5001);
    asked.length = 0;
    for (let i = 0; i < 10; i++) await request({ validateStatus: null, failover: false });
    expect(new Set(asked)).toEqual(new Set(['a']));
  });

  test('puts the backend behind the others: one poisoned prompt leaves the pool serving', async () => {
    const clock = stillClock();
    const { request, answers, asked, pool } = scene({ a: {}, b: {}, c: { priority: 2 } });
    const poisoned = (config: { data?: unknown }) => (config.data === 'poison' ? throttled(86_400_000) : 200);
    answers.a = answers.b = answers.c = poisoned;
    const refused = await request({ method: 'post', url: chat, data: 'poison' });
    expect(refused).toMatchObject({ status: 429, fabricated: true });
    expect(refused.headers).toMatchObject({ 'retry-after': '300' });
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'available',
      cooldowns: [{ scope: 'chat', reason: 'oversized', remaining: 300_000 }],
    });
    asked.length = 0;
    expect((await request({ method: 'post', url: chat, data: 'fine' })).status).toBe(200);
    expect(['a', 'b']).toContain(asked[0]);
    clock.forward(300_000);
    expect(pool.snapshot().flatMap(({ cooldowns }) => cooldowns)).toEqual([]);
  });

  test('of one deployment leaves that behind the others until a success with it', async () => {
    stillClock();
    const { request, answers, asked, pool } = scene(two);
    const events: PoolEvent[] = [];
    answers.a = throttled(86_400_000);
    await request({ url: chat });
    pool.subscribe((event) => void (event.type === 'recovered' && events.push(event)));
    answers.a = 200;
    await request({ url: embeddings });
    await request({ url: chat });
    expect(asked).toEqual(['a', 'b', 'a', 'b']);
    pool.cool('b', 1000);
    await request({ url: chat });
    expect(events).toEqual([{ type: 'recovered', backend: 'a', scope: 'chat' }]);
    expect(pool.snapshot()[0]?.cooldowns).toEqual([]);
  });

  test('steps behind the available ones until a success brings it back', async () => {
    stillClock();
    const { request, answers, asked, pool } = scene(two);
    answers.a = { status: 429, headers: { 'retry-after': '86400' } };
    await request();
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'reserve',
      available: false,
      cooldowns: [{ reason: 'oversized' }],
    });
    answers.a = 200;
    await request();
    expect(asked).toEqual(['a', 'b', 'b']);
    pool.cool('b', 1000);
    await request();
    expect(pool.snapshot()[0]?.state).toBe('available');
  });

  test('a shorter cooldown in between takes it out, and then it is behind the others again', async () => {
    const clock = stillClock();
    const { request, answers, pool } = scene(two);
    answers.a = { status: 429, headers: { 'retry-after': '86400' } };
    await request();
    pool.cool('a', 1000);
    pool.cool('a', 500);
    expect(pool.snapshot()[0]).toMatchObject({
      state: 'cooling',
      cooldowns: [
        { reason: 'manual', remaining: 1000 },
        { reason: 'oversized', remaining: 300_000 },
      ],
    });
    clock.forward(1000);
    expect(pool.snapshot()[0]?.state).toBe('reserve');
    answers.b = 500;
    expect((await request()).headers).toMatchObject({ 'retry-after': '10' });
    answers.a = 200;
    clock.forward(300_000);
    expect(pool.snapshot()[0]?.state).toBe('available');
  });
});

describe('cool and restore', () => {
  test('by hand take out and put back', async () => {
    const clock = stillClock();
    const { request, asked, pool } = scene(two);
    const events: PoolEvent[] = [];
    pool.cool('a', 1e9);
    pool.cool('a', 1e9, 'd');
    pool.subscribe((event) => void (event.type !== 'attempt' && events.push(event)));
    clock.forward(1e6);
    expect(pool.snapshot()[0]?.cooldowns).toEqual([
      { reason: 'manual', remaining: 1e9 - 1e6 },
      { scope: 'd', reason: 'manual', remaining: 1e9 - 1e6 },
    ]);
    await request();
    pool.restore('a');
    await request({ url: '/openai/deployments/d/chat' });
    expect(asked).toEqual(['b', 'a']);
    expect(events).toEqual([
      { type: 'recovered', backend: 'a' },
      { type: 'recovered', backend: 'a', scope: 'd' },
    ]);
    pool.restore('a');
    expect(events).toHaveLength(2);
  });

  test.each<[string, (pool: BackendPool) => void, string]>([
    ['an unknown name', (pool) => pool.cool('c', 1), 'name must be that of a backend (a, b), got "c"'],
    ['no name', (pool) => pool.restore(undefined as never), 'name must be that of a backend (a, b), got undefined'],
    ['a negative time', (pool) => pool.cool('a', -1), 'ms must be a finite number of ms ≥ 0, got -1'],
    ['no time', (pool) => pool.cool('a', undefined as never), 'ms must be a finite number of ms ≥ 0, got undefined'],
    ['an empty scope', (pool) => pool.cool('a', 1, ''), 'scope must be a non-empty string, got ""'],
  ])('refuse %s', (_, act, message) => {
    expect(() => act(scene(two).pool)).toThrow(new TypeError(message));
  });
});

describe('update', () => {
  const list = (...names: string[]): BackendOptions[] =>
    names.map((name, i) => ({ name, baseURL: `${name}.example`, priority: i }));

  test('keeps the state of who keeps the name, and lets who leaves finish', async () => {
    stillClock();
    const { request, answers, asked, pool } = scene(two);
    const gate = deferred<number>();
    answers.b = () => gate.promise;
    pool.cool('a', 1000);
    const underWay = request();
    const [a, b] = pool.backends;
    pool.update(list('c', 'a'));
    expect(pool.backends.map(({ name, priority }) => [name, priority])).toEqual([
      ['c', 0],
      ['a', 1],
    ]);
    expect(pool.backends[1]).toBe(a);
    pool.update([
      { name: 'c', baseURL: 'c.example' },
      { name: 'a', baseURL: 'else.example/gw', priority: 1, weight: 7 },
    ]);
    expect(pool.backends[1]).toMatchObject({ baseURL: 'https://else.example/gw', priority: 1, weight: 7 });
    pool.update(list('c', 'a'));
    expect(pool.snapshot()[1]).toMatchObject({
      baseURL: 'https://a.example',
      state: 'cooling',
      cooldowns: [{ remaining: 1000 }],
    });
    gate.resolve(500);
    const response = await underWay;
    expect(response.attempts).toMatchObject([
      { backend: 'b', status: 500 },
      { backend: 'c', status: 200 },
    ]);
    expect(b).toMatchObject({ pending: 0, failures: 1 });
    await request();
    expect(asked).toEqual(['b', 'c', 'c']);
  });

  test('with a wrong list changes nothing', () => {
    const { pool } = scene(two);
    expect(() => pool.update(list('c', 'c'))).toThrow(
      'backends[1].name must be unique, got "c", the name of backends[0]',
    );
    expect(() => pool.update([])).toThrow('backends must be a non-empty array');
    expect(pool.backends.map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe('snapshot', () => {
  test('is JSON and holds all that is public', async () => {
    const { request, pool } = scene({ a: { apiKey: 'secret', weight: 2 } });
    await request();
    const [status] = pool.snapshot();
    expect(status).toEqual({
      name: 'a',
      baseURL: 'https://a.example',
      priority: 1,
      weight: 2,
      pending: 0,
      successes: 1,
      failures: 0,
      state: 'available',
      available: true,
      cooldowns: [],
    });
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  });

  test('does not notice for the pool that a cooldown has passed', async () => {
    const clock = stillClock();
    const { request, pool } = scene(two);
    const events: string[] = [];
    pool.cool('a', 10);
    pool.subscribe(({ type }) => void events.push(type));
    clock.forward(10);
    pool.snapshot();
    expect(events).toEqual([]);
    await request();
    expect(events).toEqual(['recovered', 'attempt']);
  });
});

describe('a selector', () => {
  test('is given the candidates and the caller’s config', async () => {
    const seen: unknown[] = [];
    const { request } = scene(
      { a: {}, b: {}, c: { priority: 2 } },
      {
        selector: (candidates, config) => {
          seen.push(
            candidates.map(({ name }) => name),
            config.url,
          );
          return candidates.at(-1)!;
        },
      },
    );
    expect((await request({ url: '/y' })).attempts).toMatchObject([{ backend: 'b' }]);
    expect(seen).toEqual([['a', 'b'], '/y']);
  });

  test.each<[string, (pool: () => BackendPool) => unknown, string]>([
    ['returns nothing', () => undefined, 'the selector must return one of its candidates, got undefined'],
    [
      'returns a copy',
      (pool) => ({ ...pool().backends[0] }),
      'the selector must return one of its candidates, got an object',
    ],
    [
      'returns a backend that is no candidate',
      (pool) => pool().backends[1],
      'the selector must return one of its candidates, got an object',
    ],
    [
      'returns a backend that it has just replaced',
      (pool) => {
        const [replaced] = pool().backends;
        pool().update([{ baseURL: 'https://a.example', name: 'new' }]);
        const { name } = pool().backends[0]!;
        pool().update([
          { baseURL: 'https://a.example', name: 'a' },
          { baseURL: 'https://b.example', name: 'b', priority: 2 },
        ]);
        return name === 'new' && replaced;
      },
      'the selector must return one of its candidates, got an object',
    ],
    [
      'throws',
      () => {
        throw new Error('own fault');
      },
      'own fault',
    ],
  ])('that %s rejects that request and changes no state', async (_, pick, message) => {
    const made: { pool?: BackendPool } = {};
    const all = scene(two, { selector: () => pick(() => made.pool!) as never });
    const { pool } = all;
    made.pool = pool;
    const before = pool.snapshot();
    expect(await rejection(all.request())).toMatchObject({ message, attempts: [] });
    expect(pool.snapshot()).toEqual(before);
    expect(all.asked).toEqual([]);
  });
});

test('more deployments than are remembered at once are told apart all the same', async () => {
  const { request, answers, asked, pool } = scene({ a: {}, b: { priority: 2 } });
  for (let n = 0; n < 500; n++) await request({ url: `/deployments/d${String(n)}/x` });
  answers.a = throttled(60_000);
  await request({ url: '/deployments/d7/x' });
  answers.a = 200;
  asked.length = 0;
  for (const name of ['d7', 'd8', 'd499']) await request({ url: `/deployments/${name}/x` });
  expect(asked).toEqual(['b', 'a', 'a']);
  expect(pool.snapshot()[0]).toMatchObject({ cooldowns: [{ scope: 'd7' }] });
});
