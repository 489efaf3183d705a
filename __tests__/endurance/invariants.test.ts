import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import fc from 'fast-check';
import { priorityAdapter } from '../../src';
import type { BackendOptions, PriorityAdapter } from '../../src';
import { fakeClock, eventLoopTurn } from '../support/stub-pool';

/** An attempt in flight, which the test ends at a time of its choice. */
interface Open {
  readonly backend: string;
  readonly request: number;
  readonly config: InternalAxiosRequestConfig;
  readonly answer: (status: number, headers?: Record<string, string>) => void;
  readonly break: (error: Error) => void;
}

/** A request, as its caller sees it. */
interface Made {
  readonly id: number;
  readonly cancel: AbortController;
  readonly deployment: string;
  /** The backends tried since the last wait. */
  readonly tried: string[];
  /** Whether it has tried a backend that was on cooldown. */
  hoped: boolean;
  settled: number;
}

const NAMES = ['a', 'b', 'c', 'd'] as const;

const PRIORITIES: Record<string, number> = { a: 1, b: 2, c: 2, d: 3 };

const listOf = (names: readonly string[]): BackendOptions[] =>
  names.map((name) => ({ name, baseURL: `https://${name}.example`, priority: PRIORITIES[name] ?? 1 }));

/** The system under test and everything that can happen to it. It checks the invariants at each step. */
class World {
  readonly open: Open[] = [];
  readonly made: Made[] = [];
  readonly adapter: PriorityAdapter;
  readonly #clock = fakeClock();
  /** Violations, collected because a failed `expect` in an adapter would only be a failed attempt. */
  readonly broken: string[] = [];
  #deadlines = new Map<string, number>();
  #now = 0;

  constructor() {
    this.adapter = priorityAdapter(listOf(NAMES), {
      defaultCooldown: 1000,
      maxCooldown: 8000,
      adapter: (config) => this.#take(config),
    });
  }

  /** The end of the cooldown of each backend and deployment. */
  #cooling(isAsked = false): Map<string, number> {
    const ends = new Map<string, number>();
    for (const { name, cooldowns } of this.adapter.pool.snapshot()) {
      for (const { scope = '', reason, remaining } of cooldowns) {
        const isGuessed = reason !== 'throttled' && reason !== 'manual';
        if (reason !== 'oversized' && !(isAsked && isGuessed)) ends.set(`${name} ${scope}`, this.#now + remaining);
      }
    }
    return ends;
  }

  #isCooling(name: string, deployment: string, isAsked = false): boolean {
    const cooling = this.#cooling(isAsked);
    return cooling.has(`${name} `) || cooling.has(`${name} ${deployment}`);
  }

  /** Checks that a backend on cooldown is used only after a guess, if nobody else can serve, and once per request. */
  #checkUse(name: string, made: Made): void {
    if (!this.#isCooling(name, made.deployment)) return;
    if (this.#isCooling(name, made.deployment, true)) this.broken.push(`${name} was used against its will`);
    const others = this.adapter.pool.backends.filter((other) => !made.tried.includes(other.name));
    if (others.some((other) => !this.#isCooling(other.name, made.deployment)))
      this.broken.push(`${name} was used while another backend could serve`);
    if (made.hoped) this.broken.push(`${name} was a second last resort`);
    made.hoped = true;
  }

  #take(config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    const name = new URL(config.baseURL ?? '').hostname.split('.')[0] ?? '';
    const made = this.made.find(({ id }) => String(id) === config.headers['x-request']);
    if (made === undefined) throw new Error('nobody made this request');
    this.#checkUse(name, made);
    // A request tries no backend twice without a wait.
    if (made.tried.includes(name)) this.broken.push(`${name} was tried twice`);
    // No request goes to a worse priority while a better one is available.
    for (const { name: other, priority, state } of this.adapter.pool.snapshot()) {
      if (priority >= (PRIORITIES[name] ?? 0) || made.tried.includes(other) || state !== 'available') continue;
      const scoped = this.adapter.pool
        .snapshot()
        .find((each) => each.name === other)
        ?.cooldowns.some(({ scope }) => scope === made.deployment);
      if (!scoped) this.broken.push(`${name} was used while ${other} was available`);
    }
    made.tried.push(name);
    return new Promise((resolve, reject) => {
      this.open.push({
        backend: name,
        request: made.id,
        config,
        answer: (status, headers = {}) => resolve({ status, headers, data: '', statusText: '', config }),
        break: reject,
      });
    });
  }

  send(deployment: string): void {
    const made: Made = {
      id: this.made.length,
      cancel: new AbortController(),
      deployment,
      tried: [],
      hoped: false,
      settled: 0,
    };
    this.made.push(made);
    const soonest = (): number => Math.min(...NAMES.map((name) => this.#yesAt(name, deployment)));
    const config = {
      url: `/openai/deployments/${deployment}/chat`,
      method: 'get',
      headers: { 'x-request': String(made.id) },
      signal: made.cancel.signal,
    };
    void this.adapter(config as never).then(
      ({ fabricated, headers }) => {
        made.settled++;
        if (!fabricated) return;
        // The fabricated wait is never shorter than the actual one, and at most a second longer.
        const truth = soonest() - this.#now;
        const inMs = Number((headers as Record<string, string>)['retry-after-ms']);
        const inSeconds = Number((headers as Record<string, string>)['retry-after']);
        expect(inMs).toBeGreaterThanOrEqual(truth - 1e-6);
        expect(inMs).toBeLessThan(truth + 1);
        expect(inSeconds * 1000).toBeGreaterThanOrEqual(truth - 1e-6);
        expect(inSeconds * 1000).toBeLessThanOrEqual(Math.max(1000, truth + 1000));
      },
      (error: { code?: string }) => {
        made.settled++;
        if (error.code !== 'ERR_CANCELED' && error.code !== 'OWN') throw error as Error;
      },
    );
  }

  /** When a backend will be available according to the snapshot: at the end of its longest cooldown. */
  #yesAt(name: string, deployment: string): number {
    const status = this.adapter.pool.snapshot().find((each) => each.name === name);
    if (status === undefined) return Infinity;
    const relevant = status.cooldowns.filter(({ scope }) => scope === undefined || scope === deployment);
    return this.#now + Math.max(0, ...relevant.map(({ remaining }) => remaining));
  }

  pass(ms: number): void {
    this.#now += ms;
    this.#clock.advance(ms);
  }

  update(names: readonly string[]): void {
    this.adapter.pool.update(listOf(names));
    // A backend that was removed and added again has no cooldown.
    for (const key of this.#deadlines.keys()) if (!names.includes(key.split(' ')[0] ?? '')) this.#deadlines.delete(key);
  }

  restore(name: string): void {
    if (!this.adapter.pool.backends.some((each) => each.name === name)) return;
    this.adapter.pool.restore(name);
    for (const key of this.#deadlines.keys()) if (key.startsWith(`${name} `)) this.#deadlines.delete(key);
  }

  cool(name: string, ms: number, scope?: string): void {
    if (this.adapter.pool.backends.some((each) => each.name === name)) this.adapter.pool.cool(name, ms, scope);
  }

  /** Checks that no cooldown that was asked for became shorter. */
  checkDeadlines(): void {
    const now = this.#cooling();
    for (const [key, end] of this.#deadlines) {
      if (end > this.#now) expect(now.get(key) ?? 0).toBeGreaterThanOrEqual(end - 1e-6);
    }
    this.#deadlines = this.#cooling(true);
  }

  /** Ends all attempts, and checks that each request settled exactly once and that nothing is pending. */
  async finish(): Promise<void> {
    while (this.open.length > 0) {
      this.open.shift()?.answer(200);
      await eventLoopTurn();
    }
    await eventLoopTurn();
    for (const { settled } of this.made) expect(settled).toBe(1);
    expect(this.broken).toStrictEqual([]);
    for (const { pending } of this.adapter.pool.snapshot()) expect(pending).toBe(0);
  }
}

type Step = (world: World) => void;

const name = fc.constantFrom(...NAMES);

const deployment = fc.constantFrom('x', 'y');

const steps: fc.Arbitrary<Step>[] = [
  deployment.map(
    (d): Step =>
      (world) =>
        world.send(d),
  ),
  deployment.map(
    (d): Step =>
      (world) =>
        world.send(d),
  ),
  fc
    .tuple(
      fc.nat(20),
      fc.constantFrom(200, 200, 302, 400, 404, 429, 500, 503),
      fc.constantFrom(undefined, '0', '40', '700', '86400000'),
    )
    .map(
      ([i, status, wait]): Step =>
        (world) =>
          world.open
            .splice(i % Math.max(1, world.open.length), 1)[0]
            ?.answer(status, wait === undefined ? {} : { 'retry-after-ms': wait }),
    ),
  fc.tuple(fc.nat(20), fc.constantFrom('ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT')).map(
    ([i, code]): Step =>
      (world) =>
        world.open.splice(i % Math.max(1, world.open.length), 1)[0]?.break(Object.assign(new Error(), { code })),
  ),
  fc.constantFrom(1, 39, 40, 500, 1000, 8000).map(
    (ms): Step =>
      (world) =>
        world.pass(ms),
  ),
  fc.nat(30).map(
    (i): Step =>
      (world) =>
        world.made[i % Math.max(1, world.made.length)]?.cancel.abort(),
  ),
  fc.tuple(name, fc.constantFrom(10, 2000), fc.option(deployment, { nil: undefined })).map(
    ([n, ms, d]): Step =>
      (world) =>
        world.cool(n, ms, d),
  ),
  name.map(
    (n): Step =>
      (world) =>
        world.restore(n),
  ),
  fc.subarray([...NAMES], { minLength: 1 }).map(
    (names): Step =>
      (world) =>
        world.update(names),
  ),
];

test('the pool keeps its invariants under any interleaving of requests, responses, time, cancels and updates', async () => {
  let attempts = 0;
  let fabricated = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...steps), { minLength: 5, maxLength: 60 }), async (sequence) => {
      const world = new World();
      world.adapter.pool.subscribe(({ type }) => {
        if (type === 'attempt') attempts++;
        if (type === 'exhausted') fabricated++;
      });
      for (const step of sequence) {
        step(world);
        await eventLoopTurn();
        world.checkDeadlines();
      }
      await world.finish();
    }),
    { numRuns: 400, seed: 20261122 },
  );
  // The random sequences have led to attempts and to fabricated responses.
  expect(attempts).toBeGreaterThan(1000);
  expect(fabricated).toBeGreaterThan(20);
}, 60_000);
