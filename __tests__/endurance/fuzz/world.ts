import type { Agent } from 'node:http';
import { Readable } from 'node:stream';
import axios from 'axios';
import type { AxiosInstance, AxiosRequestConfig, CancelTokenSource } from 'axios';
import { defaultFailoverCondition, priorityAdapter, roundRobin } from '../../../src';
import type { Attempt, Backend, BackendOptions, Failure, PoolEvent, PriorityAdapter } from '../../../src';
import { Costs } from './costs';
import { functionWire, memoryAgent, PLANTED } from './wires';
import type { Arrival, Reachable, Reply } from './wires';

export interface BackendSetup {
  readonly priority: number;
  /** Whether it knows the deployments by other names. */
  readonly isMapped: boolean;
  readonly credential: 'none' | 'key' | 'provider';
}

export interface Setup {
  readonly wire: 'function' | 'http';
  /** Named a, b, c, … */
  readonly backends: readonly BackendSetup[];
  readonly defaultCooldown: number;
  readonly maxCooldown: number;
  readonly attemptTimeout: number;
  readonly maxWait: number;
  /** What the `cooldown` option returns. */
  readonly override: number | undefined;
  /** What fails over. */
  readonly condition: 'default' | 'everything' | 'nothing';
  readonly intrusions: readonly Intrusion[];
}

/** Something that the user's own code does while the package calls it. */
export interface Intrusion {
  readonly at: PoolEvent['type'] | 'selector' | 'condition' | 'cooldown option';
  readonly action: Action | { readonly do: 'throw' };
}

export interface RequestSpec {
  readonly method: 'get' | 'post';
  readonly deployment: 'x' | 'y';
  /** What names the deployment. */
  readonly namedBy: 'url' | 'body' | 'nothing';
  readonly isStream: boolean;
  readonly timeout: number;
  readonly failover: false | { readonly attemptTimeout?: number; readonly maxWait?: number } | undefined;
  readonly cancelBy: 'signal' | 'token' | 'nothing';
}

/** What a step, or the user's code while the package calls it, may do. `backend` and `which` are taken modulo their number. */
export type Action =
  | { readonly do: 'send'; readonly request: RequestSpec }
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'cool'; readonly backend: number; readonly ms: number; readonly scope: string | undefined }
  | { readonly do: 'restore'; readonly backend: number }
  | { readonly do: 'update'; readonly without: readonly number[] };

export type Step =
  | Action
  | { readonly do: 'reply'; readonly which: number; readonly reply: Reply }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'reach'; readonly backend: number; readonly reachable: Reachable }
  | { readonly do: 'provide'; readonly backend: number; readonly provider: Provider };

/** What a provider of credentials does when it is asked. */
type Provider = 'token' | 'throws' | 'hangs';

/** A call that reached a backend. */
interface Call extends Arrival {
  readonly made: Made;
  readonly at: number;
  outcome?: Reply;
  repliedAt?: number;
  /** Whether it is the second sending after a stale connection. */
  isResend?: boolean;
}

/** A request, as its caller sees it. */
interface Made {
  readonly spec: RequestSpec;
  readonly began: number;
  readonly calls: Call[];
  /** The backends that it has reached since its latest wait, or that of another request. */
  round: string[];
  /** The backends that would answer the same after a wait. */
  readonly final: Set<string>;
  /** The waits of all requests when it last reached a backend. */
  waits: number;
  readonly attemptTimeout: number;
  readonly maxWait: number;
  readonly cancel: () => void;
  isCancelled: boolean;
  settled: number;
  attempts: readonly Attempt[];
}

const NAMES = ['a', 'b', 'c', 'd', 'e'];
/** A bound on what intrusions do, since they cause each other. */
const MAX_INTRUSIONS = 8;
/** ms by which something may happen too late, because the clock advances in steps. */
const SLICE = 20;
/** Turns of the event loop in which all that is ready to run does, over axios's http adapter. */
const TURNS = 6;
/** A POST over a connection that the server has closed is sent again, within this time. */
const STALE_WITHIN = 1000;
const ROUNDING = 1e-6;

/** Codes of the errors that the wires and the limits of the requests lead to. */
const EXPECTED = /^(?:ECONN(?:REFUSED|RESET|ABORTED)|ENOTFOUND|ERR_BAD_RESPONSE|ERR_CREDENTIAL)$/;

/** A pool, its backends and its callers, in process and with a clock of their own. It checks the invariants at each step. */
export class World {
  /** Violations, collected because a failed `expect` inside an adapter would only be a failed attempt. */
  readonly broken: string[] = [];
  readonly counts = { calls: 0, failedOver: 0, resent: 0, fabricated: 0, waits: 0, intrusions: 0 };
  readonly #made: Made[] = [];
  readonly #calls: Call[] = [];
  readonly #costs: Costs;
  readonly #adapter: PriorityAdapter;
  readonly #client: AxiosInstance;
  readonly #agent: Agent;
  /** All backends that were ever in the pool. */
  readonly #infos = new Set<Backend>();
  readonly #reachable = new Map<string, Reachable>();
  readonly #providers = new Map<string, Provider>();
  /** Tries again what hangs. */
  readonly #hanging: (() => void)[] = [];
  /** The call that was answered last. */
  #answered: Call | undefined;
  /** Whether the latest failure was given the length that the `cooldown` option returns. */
  #isOverridden = true;
  #attempts = 0;
  /** Whether the attempts of a request are not known. */
  #isUnreported = false;
  #listeners = 0;

  constructor(private readonly setup: Setup) {
    const { wire, defaultCooldown, maxCooldown, attemptTimeout, maxWait, override } = setup;
    this.#costs = new Costs({ defaultCooldown, maxCooldown });
    this.#agent = memoryAgent(this);
    const select = roundRobin();
    this.#adapter = priorityAdapter(
      this.#listOf(() => true),
      {
        adapter: wire === 'http' ? 'http' : functionWire(this),
        selector: (candidates, config) => {
          this.#intrude('selector');
          return select(candidates, config);
        },
        failoverCondition: (failure) => {
          this.#intrudeOnLength('condition');
          return this.#failsOver(failure);
        },
        cooldown: () => {
          this.#intrudeOnLength('cooldown option');
          return override;
        },
        defaultCooldown,
        maxCooldown,
        attemptTimeout,
        maxWait,
      },
    );
    this.#client = axios.create({ adapter: this.#adapter, httpAgent: this.#agent, proxy: false, validateStatus: null });
    this.#adapter.pool.subscribe((event) => this.#told(event));
    this.#noteBackends();
  }

  async step(step: Step): Promise<void> {
    // Each step has a time of its own, so that the order of what happens can be told by it.
    jest.advanceTimersByTime(1);
    switch (step.do) {
      case 'reply':
        this.#reply(step.which, step.reply);
        break;
      case 'pass':
        await this.#pass(step.ms);
        break;
      case 'reach':
        this.#reachable.set(this.#nameOf(step.backend), step.reachable);
        this.#unhang();
        break;
      case 'provide':
        this.#providers.set(this.#nameOf(step.backend), step.provider);
        this.#unhang();
        break;
      default:
        this.#perform(step);
    }
    await turns();
    this.#check();
  }

  /** Lets all requests end, without giving a timer that was left behind the time to fire. */
  async finish(): Promise<void> {
    this.#reachable.clear();
    this.#providers.clear();
    for (let round = 0; round < 200 && this.#unsettled.length > 0; round++) {
      this.#unhang();
      await turns();
      // One by one, and each at a time of its own.
      for (let call; (call = this.#calls[0]) !== undefined;) {
        jest.advanceTimersByTime(1);
        this.#end(call, { status: 200, wait: undefined, body: '{}', ends: 'whole' });
        await turns();
      }
      if (this.#unsettled.length > 0) await this.#pass(round < 20 ? 100 : 5000);
    }
    for (const { settled, spec } of this.#made)
      if (settled !== 1) this.broken.push(`settled ${String(settled)} times: ${JSON.stringify(spec)}`);
    this.#check();
    const reported = this.#made.reduce((sum, { attempts }) => sum + attempts.length, 0);
    if (reported !== this.#attempts && !this.#isUnreported)
      this.broken.push(`${String(this.#attempts)} events of attempts, ${String(reported)} in the results`);
    this.#agent.destroy();
  }

  // What the wires ask.

  reachable(backend: string): Reachable {
    return this.#reachable.get(backend) ?? 'yes';
  }

  hangs(again: () => void): void {
    this.#hanging.push(again);
  }

  arrived(arrival: Arrival): void {
    const made = this.#made[arrival.request];
    if (made === undefined) return void this.broken.push('a call of no request');
    this.counts.calls++;
    const call: Call = { ...arrival, made, at: performance.now() };
    const before = made.calls.at(-1);
    if (before !== undefined) this.#checkNext(before, call);
    made.calls.push(call);
    this.#calls.push(call);
  }

  // What happens.

  #perform(action: Action | { readonly do: 'throw' }): void {
    switch (action.do) {
      case 'send':
        return this.#send(action.request);
      case 'cancel': {
        const made = this.#unsettled[action.which % Math.max(1, this.#unsettled.length)];
        return made?.cancel();
      }
      case 'cool': {
        const name = this.#nameOf(action.backend);
        if (!this.#has(name)) return;
        this.#costs.cooled(name, action.scope, performance.now() + action.ms);
        return this.#adapter.pool.cool(name, action.ms, action.scope);
      }
      case 'restore': {
        const name = this.#nameOf(action.backend);
        if (!this.#has(name)) return;
        this.#costs.restored(name);
        return this.#adapter.pool.restore(name);
      }
      case 'update': {
        const before = new Set(this.#adapter.pool.backends.map(({ name }) => name));
        this.#adapter.pool.update(this.#listOf((i) => i === 0 || !action.without.includes(i)));
        this.#noteBackends(before);
        return;
      }
      case 'throw':
        throw new Error(PLANTED);
    }
  }

  #send(spec: RequestSpec): void {
    const { failover, cancelBy, method, deployment, namedBy } = spec;
    const own = failover === false ? undefined : failover;
    const controller = this.#watched(new AbortController());
    const source = axios.CancelToken.source();
    const made: Made = {
      spec,
      began: performance.now(),
      calls: [],
      round: [],
      final: new Set(),
      waits: 0,
      attemptTimeout: own?.attemptTimeout ?? this.setup.attemptTimeout,
      maxWait: own?.maxWait ?? this.setup.maxWait,
      cancel: () => {
        made.isCancelled = cancelBy !== 'nothing';
        if (cancelBy === 'signal') controller.abort();
        if (cancelBy === 'token') source.cancel();
      },
      isCancelled: false,
      settled: 0,
      attempts: [],
    };
    const id = this.#made.push(made) - 1;
    const config: AxiosRequestConfig = {
      url: namedBy === 'url' ? `/openai/deployments/${deployment}/chat` : '/openai/v1/chat',
      method,
      headers: { 'x-request': String(id) },
      timeout: spec.timeout,
      failover,
      ...(method === 'post' && { data: bodyOf(spec) }),
      ...(cancelBy === 'signal' && { signal: controller.signal }),
      ...(cancelBy === 'token' && { cancelToken: source.token }),
    };
    this.#tokens.add(source);
    void this.#client.request(config).then(
      ({ attempts, fabricated }) => {
        this.#settled(made, attempts);
        if (fabricated) this.counts.fabricated++;
      },
      (error: Error & { code?: string; attempts?: readonly Attempt[] }) => {
        this.#settled(made, error.attempts);
        this.#checkError(made, error);
      },
    );
  }

  readonly #tokens = new Set<CancelTokenSource>();

  /** Counts the listeners of its signal. */
  #watched(controller: AbortController): AbortController {
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal) as (...args: unknown[]) => void;
    const remove = signal.removeEventListener.bind(signal) as (...args: unknown[]) => void;
    signal.addEventListener = (...args: unknown[]) => {
      this.#listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      this.#listeners--;
      remove(...args);
    };
    return controller;
  }

  #settled(made: Made, attempts: readonly Attempt[] | undefined): void {
    made.settled++;
    if (attempts === undefined) {
      // axios itself rejects a request that is cancelled before or after the adapter has it.
      if (!made.isCancelled) this.broken.push('no attempts');
      this.#isUnreported = true;
      return;
    }
    made.attempts = attempts;
    // Each call is an attempt, in the same order. There are others, which did not get so far.
    const names = made.attempts.map(({ backend }) => backend);
    let from = 0;
    for (const { backend } of made.calls) from = names.indexOf(backend, from) + 1 || Infinity;
    if (from === Infinity) this.broken.push(`calls that are no attempts, in ${names.join(' ')}`);
  }

  #reply(which: number, reply: Reply): void {
    const open = this.#calls.filter((call) => call.isOpen());
    if (open.length > 0) this.#end(open[which % open.length]!, reply);
  }

  #end(call: Call, reply: Reply): void {
    const at = this.#calls.indexOf(call);
    if (at >= 0) this.#calls.splice(at, 1);
    if (!call.isOpen()) return;
    this.#answered = call;
    call.repliedAt = performance.now();
    call.outcome = reply;
    const ends = call.reply(reply);
    call.outcome = { ...reply, ends };
    const { status } = reply;
    const isAboutRequest =
      status >= 400 && status < 500 && status !== 429 && !this.#refusesCredential(call.backend, status);
    if (ends === 'whole' && isAboutRequest && !this.#mayBeGivenUp(call)) call.made.final.add(call.backend);
  }

  /** The clock advances in steps, since what a timer leads to takes turns of the event loop. */
  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= SLICE) {
      if (jest.getTimerCount() === 0) return void jest.advanceTimersByTime(left);
      jest.advanceTimersByTime(Math.min(left, SLICE));
      await turns();
    }
  }

  #unhang(): void {
    for (const again of this.#hanging.splice(0)) again();
  }

  #intrude(at: Intrusion['at']): void {
    for (const { at: place, action } of this.setup.intrusions) {
      if (place !== at || this.counts.intrusions >= MAX_INTRUSIONS) continue;
      this.counts.intrusions++;
      this.#perform(action);
    }
  }

  /** If it throws, the user's `cooldown` doesn't say how long the backend is out. */
  #intrudeOnLength(at: Intrusion['at']): void {
    this.#isOverridden = false;
    this.#intrude(at);
    this.#isOverridden = true;
  }

  #failsOver(failure: Failure): boolean {
    const { condition } = this.setup;
    return condition === 'default' ? defaultFailoverCondition(failure) : condition === 'everything';
  }

  // What is noted.

  #told(event: PoolEvent): void {
    if (event.type === 'waiting') this.counts.waits++;
    if (event.type === 'attempt') this.#noteAttempt(event);
    this.#intrude(event.type);
  }

  #noteAttempt({ backend, status, reason, duration, cooldown = 0 }: Attempt): void {
    this.#attempts++;
    const now = performance.now();
    const began = now - duration;
    const call = status === undefined ? undefined : this.#answered;
    if (status !== undefined && (call?.backend !== backend || call.outcome?.status !== status))
      return void this.broken.push(`${backend} is said to have answered ${String(status)}`);
    const scope = call && this.#scopeOf(call);
    // The second sending after a stale connection belongs to the attempt that began with the first.
    const provesFrom = call?.isResend ? call.made.calls.at(-2)!.at : began;
    const isSuccess = status !== undefined && status < 400 && reason === undefined;
    if (reason === undefined || reason === 'stale') {
      if (cooldown > 0) this.broken.push(`${backend} was blamed without a reason`);
    } else {
      if (reason === 'client-error') this.#costs.worked(backend, scope, provesFrom);
      if (reason !== 'client-error' || cooldown > 0)
        this.#noteFailure({ backend, scope, status, reason, began, cooldown, wait: waitOf(call) }, now);
    }
    if (isSuccess) this.#costs.worked(backend, scope, provesFrom);
    if (isSuccess || (status !== undefined && reason !== undefined)) this.#costs.answered(backend, began, now);
  }

  #noteFailure({ status, reason, cooldown, ...about }: Noted, now: number): void {
    const isRefusedCredential = status !== undefined && this.#refusesCredential(about.backend, status);
    const isProvider = reason === 'credential' && status === undefined;
    const { maxCooldown } = this.setup;
    const override = this.#isOverridden ? this.setup.override : undefined;
    this.#isOverridden = true;
    const wait = (status ?? 0) >= 400 ? about.wait : undefined;
    const most = this.#costs.failed({ ...about, status, wait, override, isRefusedCredential, isProvider }, now);
    const what = `${String(status ?? reason)} with a wait of ${String(wait)}`;
    if (cooldown > most + ROUNDING) this.broken.push(`${what} cost ${String(cooldown)}, not ${String(most)}`);
    const isAsked = wait !== undefined && wait > 0 && wait <= maxCooldown && override === undefined;
    if (isAsked && cooldown !== wait) this.broken.push(`${what} cost ${String(cooldown)}`);
  }

  /** @param before the names in the pool until now */
  #noteBackends(before: ReadonlySet<string> = new Set(NAMES)): void {
    for (const info of this.#adapter.pool.backends) {
      this.#infos.add(info);
      if (!before.has(info.name)) this.#costs.came(info.name, performance.now());
    }
  }

  // The invariants.

  #check(): void {
    const now = performance.now();
    for (const { name, cooldowns, state } of this.#adapter.pool.snapshot()) {
      for (const { scope, reason, remaining } of cooldowns) {
        const most = this.#costs.bound(name, scope, reason === 'oversized') - now;
        if (remaining > most + ROUNDING)
          this.broken.push(
            `${name} ${scope ?? ''} is out for ${String(remaining)} ms (${reason}), not ${String(most)}`,
          );
      }
      if (state === 'trial' && !this.#costs.mayBeOnTrial(name)) this.broken.push(`${name} is on trial for no reason`);
    }
    for (const { settled, spec, began, isCancelled } of this.#unsettled) {
      if (isCancelled && settled === 0) this.broken.push('a cancel did not end its request');
      if (spec.timeout > 0 && now > began + spec.timeout + 2 * SLICE)
        this.broken.push('a request outlived its timeout');
    }
    if (this.#unsettled.length === 0) this.#checkQuiet();
  }

  /** No request is under way, so nothing may be left of one. */
  #checkQuiet(): void {
    const pending = [...this.#infos].reduce((sum, info) => sum + info.pending, 0);
    const timers = jest.getTimerCount();
    const tokens = [...this.#tokens].map(({ token }) => token as { _listeners?: unknown[] | null });
    const subscribers = tokens.reduce((sum, { _listeners }) => sum + (_listeners?.length ?? 0), 0);
    const left = { pending, timers, listeners: this.#listeners, subscribers };
    for (const [what, count] of Object.entries(left))
      if (count !== 0) this.broken.push(`${String(count)} ${what} left`);
  }

  /** Whether the request may have gone from one call to the next. */
  #checkNext(before: Call, call: Call): void {
    const { made, backend } = call;
    if (isStale(before) && before.backend === backend) {
      call.isResend = true;
      this.counts.resent++;
      return;
    }
    this.counts.failedOver++;
    const { method } = made.spec;
    if (!this.#mayGoOn(before)) {
      const { outcome, at } = before;
      const what = JSON.stringify({ outcome, ms: performance.now() - at });
      this.broken.push(`a ${method} went from ${before.backend} to ${backend} after ${what}`);
    }
    if (made.maxWait > 0 && this.counts.waits > made.waits) made.round = [];
    if (made.round.length === 0) made.waits = this.counts.waits;
    else if (made.round.includes(backend)) this.broken.push(`a ${method} reached ${backend} twice`);
    if (made.final.has(backend))
      this.broken.push(`a ${method} asked ${backend} again, which could only answer the same`);
  }

  #mayGoOn(before: Call): boolean {
    const { made, backend, outcome } = before;
    const { condition } = this.setup;
    if (made.spec.failover === false || condition === 'nothing') return false;
    if (this.#mayBeGivenUp(before)) return true;
    // The second sending did not get as far as the backend.
    if (isStale(before)) return true;
    if (outcome === undefined || outcome.ends === 'bug') return false;
    const { status, ends, body } = outcome;
    if (ends === 'reset' || status < 400)
      return (made.spec.method === 'get' || condition === 'everything') && ends !== 'whole';
    if (status === 429 || status >= 500 || this.#refusesCredential(backend, status)) return true;
    return ends === 'whole' && (condition === 'everything' || (status === 404 && body.includes('DeploymentNotFound')));
  }

  /** Whether `attemptTimeout` may have passed before the reply. */
  #mayBeGivenUp({ made, backend, outcome, began, repliedAt = performance.now() }: Call): boolean {
    if (made.attemptTimeout === 0) return false;
    if (this.setup.wire === 'http') return outcome === undefined;
    // A foreign adapter can be answered after the attempt was given up. A provider takes some of the attempt's time.
    const limit = this.#setupOf(backend)?.credential === 'provider' ? 0 : made.attemptTimeout;
    return repliedAt - began >= limit;
  }

  #checkError(made: Made, { message, code = '', stack }: Error & { code?: string }): void {
    if (message.includes(PLANTED) || (code === 'ERR_CANCELED' && made.isCancelled)) return;
    // A selector that leads to an update may pick what is no longer there.
    const { intrusions } = this.setup;
    const mayUpdate =
      intrusions.some(({ at }) => at === 'selector') && intrusions.some(({ action }) => action.do === 'update');
    if (mayUpdate && message.startsWith('the selector must return one of its candidates')) return;
    const isLimited = made.spec.timeout > 0 || made.attemptTimeout > 0;
    if (EXPECTED.test(code) && (code !== 'ECONNABORTED' || isLimited)) return;
    this.broken.push(`an error of nobody's making: ${stack ?? message}`);
  }

  // What is known of backends.

  get #unsettled(): readonly Made[] {
    return this.#made.filter(({ settled }) => settled === 0);
  }

  #listOf(isIn: (i: number) => boolean): BackendOptions[] {
    const { backends, wire } = this.setup;
    const list = backends.map(({ priority, isMapped, credential }, i): BackendOptions => {
      const name = NAMES[i]!;
      return {
        name,
        baseURL: `${wire === 'http' ? 'http' : 'https'}://${name}.example`,
        priority,
        ...(isMapped && { deployments: { x: `x-of-${name}` } }),
        ...(credential === 'key' && { apiKey: 'key' }),
        ...(credential === 'provider' && { azureADTokenProvider: () => this.#provide(name) }),
      };
    });
    return list.filter((_, i) => isIn(i));
  }

  #provide(name: string): Promise<string> {
    const provider = this.#providers.get(name) ?? 'token';
    if (provider === 'throws') throw new Error(PLANTED);
    if (provider === 'token') return Promise.resolve('token');
    return new Promise<void>((resolve) => this.hangs(resolve)).then(() => this.#provide(name));
  }

  #nameOf(backend: number): string {
    return NAMES[backend % this.setup.backends.length]!;
  }

  #setupOf(name: string): BackendSetup | undefined {
    return this.setup.backends[NAMES.indexOf(name)];
  }

  #has(name: string): boolean {
    return this.#adapter.pool.backends.some((each) => each.name === name);
  }

  #refusesCredential(backend: string, status: number): boolean {
    return (status === 401 || status === 403) && this.#setupOf(backend)?.credential !== 'none';
  }

  /** The deployment that a call asks for, by its backend's name. */
  #scopeOf({ made: { spec }, backend }: Call): string | undefined {
    const { deployment, namedBy, method, isStream } = spec;
    const isNamed = namedBy === 'url' || (namedBy === 'body' && method === 'post' && !isStream);
    if (!isNamed) return undefined;
    return this.#setupOf(backend)?.isMapped && deployment === 'x' ? `x-of-${backend}` : deployment;
  }
}

/** A failure, as the events of the pool tell of it. */
interface Noted {
  readonly backend: string;
  readonly scope: string | undefined;
  readonly status: number | undefined;
  readonly reason: Attempt['reason'];
  readonly began: number;
  readonly cooldown: number;
  readonly wait: number | undefined;
}

/** Whether its connection counts as one that the server had closed before. */
function isStale({ isReused, outcome, isResend, at, repliedAt = Infinity }: Call): boolean {
  return isReused && outcome?.ends === 'reset' && !isResend && repliedAt - at < STALE_WITHIN;
}

function waitOf(call: Call | undefined): number | undefined {
  const wait = call?.outcome?.wait;
  return wait === undefined ? undefined : Number(wait);
}

/** A stream is no JSON, so that it never names a model. */
function bodyOf({ isStream, namedBy, deployment }: RequestSpec): unknown {
  if (isStream) return Readable.from([Buffer.from('text')]);
  return namedBy === 'body' ? { model: deployment } : { any: 'thing' };
}

async function turns(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
}
