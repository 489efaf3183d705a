import axios from 'axios';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { planOf } from './attempt';
import type { Plan } from './attempt';
import type { BackendOptions } from './backend';
import { asIs, capture, isOneShot } from './body';
import type { Body } from './body';
import type { HeaderList } from './credentials';
import { Deadline, Interruption } from './deadline';
import type { Attempt } from './events';
import { checkAdapter, checkAnswer, checkChosen, resolvePool, resolveRules, rulesFor } from './options';
import type { PriorityAdapterOptions, Rules, WrappedAdapter } from './options';
import { findingOf, isBackendsFault, isSuccess, reasonOf } from './outcome';
import type { Failure, Finding } from './outcome';
import { BackendPool } from './pool';
import type { Lease } from './pool';
import {
  codeOf,
  discard,
  fabricate,
  rejection,
  restored,
  restoredError,
  settle,
  timeoutError,
  timeoutOf,
  withAttempts,
} from './response';
import { parseRetryAfter } from './retry-after';
import { send } from './send';

/** An `AxiosAdapter` for `axios.create({ adapter })`, with the pool that it draws from. */
export interface PriorityAdapter extends AxiosAdapter {
  readonly pool: BackendPool;
}

/**
 * Makes an axios adapter that sends each request to the best backend that is available, moves on to the next on 429, 5xx
 * and failed connections, and answers with a fabricated 429 when none remains.
 *
 * @param backends or a `BackendPool`, so that several clients share one
 * @throws TypeError that names the place and the value
 * @example
 * const client = axios.create({ adapter: priorityAdapter([{ baseURL: 'https://eastus.openai.azure.com' }]) });
 */
export function priorityAdapter(
  backends: readonly BackendOptions[] | BackendPool,
  options: PriorityAdapterOptions = {},
): PriorityAdapter {
  const failover = new Failover(backends, options);
  const wrapped = failover.adapter ?? unwrapped(axios.defaults.adapter);
  async function adapter(config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
    return failover.request(config, wrapped);
  }
  wraps.set(adapter, wrapped);
  return Object.assign(adapter, { pool: failover.pool });
}

/** The adapters made here, and what each wraps. */
const wraps = new WeakMap<object, WrappedAdapter | undefined>();

/** Where the whole of axios goes through one pool, a client with a pool of its own must not end up in that one too. */
function unwrapped(adapter: WrappedAdapter | undefined): WrappedAdapter | undefined {
  return typeof adapter === 'function' && wraps.has(adapter) ? wraps.get(adapter) : adapter;
}

export function isPriorityAdapter(adapter: unknown): adapter is PriorityAdapter {
  return typeof adapter === 'function' && 'pool' in adapter && BackendPool.isPool(adapter.pool);
}

/** A pool and the rules by which requests go through it: what the adapter and the plugin share. */
export class Failover {
  readonly pool: BackendPool;
  /** What the user wants wrapped. */
  readonly adapter: PriorityAdapterOptions['adapter'];
  readonly #rules: Rules;

  /** @throws TypeError that names the place and the value */
  constructor(backends: readonly BackendOptions[] | BackendPool, options: PriorityAdapterOptions) {
    this.#rules = resolveRules(options);
    this.adapter = checkAdapter(options.adapter);
    if (isPriorityAdapter(this.adapter))
      throw new TypeError('options.adapter is a priority adapter: wrap what it wraps');
    this.pool = resolvePool(backends, options);
  }

  /** Answers one request, by way of what is wrapped, from as many backends as it takes. */
  async request(config: InternalAxiosRequestConfig, wrapped: WrappedAdapter | undefined): Promise<AxiosResponse> {
    const attempts: Attempt[] = [];
    const secrets: HeaderList[] = [];
    let deadline: Deadline | undefined;
    try {
      const adapter = axios.getAdapter(wrapped, config);
      if (!checkAnswer(this.#rules.shouldBalance(config), 'shouldBalance')) return await adapter(config);
      const rules = rulesFor(this.#rules, config.failover);
      deadline = new Deadline(config, timeoutOf(config));
      const journey = new Journey(this.pool, rules, planOf(config), adapter, deadline, attempts, secrets);
      const answer = await journey.answer();
      return settle(withAttempts(restored(answer, config), attempts));
    } catch (error) {
      throw withAttempts(restoredError(rejection(error, config), config, secrets), attempts);
    } finally {
      deadline?.close();
    }
  }
}

/** How an attempt ended: in the answer, or in a failure that may or may not move on. */
type Outcome = { readonly answer: AxiosResponse } | { readonly failure: Failure; readonly movesOn: boolean };

/** One request on its way from backend to backend. */
class Journey {
  /** Names. */
  readonly #tried = new Set<string>();
  #body: Body | undefined;
  /** ms */
  #waited = 0;
  /** Whether the first attempt began as soon as the request did, so that it has the whole budget. */
  #prompt = true;

  constructor(
    private readonly pool: BackendPool,
    private readonly rules: Rules,
    private readonly plan: Plan,
    private readonly adapter: AxiosAdapter,
    private readonly deadline: Deadline,
    private readonly attempts: Attempt[],
    private readonly secrets: HeaderList[],
  ) {}

  /** A backend's answer, or the fabricated one. Throws what is to reject the request. */
  async answer(): Promise<AxiosResponse> {
    for (;;) {
      this.deadline.check();
      const lease = this.pool.lease(this.plan.deployment, this.#tried, this.plan.config);
      if (lease === undefined) {
        const wait = this.pool.soonest(this.plan.deployment);
        if (noRush(wait) > this.#room()) return this.#nobodyLeft(wait);
        await this.#waitFor(noRush(wait));
        this.#tried.clear();
        continue;
      }
      const outcome = await this.#attemptAt(lease);
      if ('answer' in outcome) return outcome.answer;
      if (!outcome.movesOn) return handedBack(outcome.failure);
      discard(outcome.failure.response);
      this.#tried.add(outcome.failure.backend.name);
    }
  }

  async #attemptAt(lease: Lease): Promise<Outcome> {
    const body = await this.#openBody(lease);
    const { plan, adapter, deadline } = this;
    const onCredentials = (given: HeaderList): void => void this.secrets.push(given);
    const limit = this.rules.attemptTimeout;
    const started = performance.now();
    let finding: Finding;
    try {
      const response = await send(lease.member.settings, { plan, adapter, body, deadline, limit, onCredentials });
      const { status } = response;
      if (isSuccess(status)) {
        this.pool.succeed(lease);
        this.#record(lease, started, { status });
        return { answer: response };
      }
      finding = { status, response, attemptTimedOut: false };
    } catch (error) {
      finding = this.#findingOf(error, lease, started, body);
    }
    return this.#judge(lease, started, finding, body);
  }

  /** Asks the user's rules about a failure, and tells the pool. */
  #judge(lease: Lease, started: number, finding: Finding, body: Body): Outcome {
    // What a user's rule may log is the caller's config, not that of the attempt.
    if (finding.response !== undefined) finding.response.config = this.plan.config;
    const failure: Failure = { ...finding, backend: lease.member.view, config: this.plan.config };
    let blamed = isBackendsFault(failure);
    let movesOn = false;
    let chosen: number | undefined;
    try {
      if (!this.rules.once) movesOn = checkAnswer(this.rules.failoverCondition(failure), 'failoverCondition');
      blamed ||= movesOn;
      if (blamed) chosen = checkChosen(this.rules.cooldown(failure));
      return { failure, movesOn: movesOn && body.replayable };
    } catch (error) {
      discard(failure.response);
      throw error;
    } finally {
      const cooldown = blamed ? this.#blame(lease, failure, chosen) : this.#exonerate(lease);
      this.#record(lease, started, finding, cooldown);
    }
  }

  #blame(lease: Lease, failure: Failure, chosen?: number): number {
    const { status, response } = failure;
    const refused = response !== undefined && !isSuccess(response.status);
    return this.pool.fail(lease, {
      reason: reasonOf(failure),
      chosen,
      asked: refused ? parseRetryAfter(response) : undefined,
      scoped: refused && status !== undefined && status < 500,
    });
  }

  #exonerate(lease: Lease): number {
    this.pool.release(lease);
    return 0;
  }

  /** What an error says about the backend. Rethrows what says nothing about it: a cancel, or the caller's own making. */
  #findingOf(error: unknown, lease: Lease, started: number, body: Body): Finding {
    const { config } = this.plan;
    if (error instanceof Interruption && error.why === 'attempt-timeout') {
      const timeout = timeoutError(config, this.rules.attemptTimeout);
      return { error: timeout, attemptTimedOut: true, ...(timeout.code !== undefined && { code: timeout.code }) };
    }
    const reason = restoredError(rejection(error, config), config, this.secrets);
    const finding = error instanceof Interruption ? undefined : findingOf(reason, config, body.failure.error);
    if (finding !== undefined) return finding;
    const hadWholeBudget = this.#prompt && this.attempts.length === 0;
    const blamed = error instanceof Interruption && error.why === 'timeout' && hadWholeBudget;
    const verdict = { reason: 'timeout', chosen: undefined, asked: undefined, scoped: false } as const;
    const cooldown = blamed ? this.pool.fail(lease, verdict) : this.#exonerate(lease);
    const code = codeOf(reason);
    this.#record(lease, started, code === undefined ? {} : { code }, cooldown);
    throw reason;
  }

  /** Read once, for as many attempts as there will be; not at all where there is no need to have it whole. */
  async #openBody(lease: Lease): Promise<Body> {
    const { data } = this.plan.config as { data?: unknown };
    const onlyAttempt = this.rules.once || (this.pool.backends.length === 1 && this.rules.maxWait === 0);
    const namesModel = lease.member.settings.deployments !== undefined && this.plan.deployment === undefined;
    if (this.#body === undefined && (!isOneShot(data) || (onlyAttempt && !namesModel))) this.#body = asIs(data);
    if (this.#body !== undefined) return this.#body;
    this.#prompt = false;
    try {
      this.#body = await this.deadline.guard(capture(data as object, this.rules.maxReplaySize));
      return this.#body;
    } catch (error) {
      this.pool.release(lease);
      throw error;
    }
  }

  /** ms that this request may still wait for a backend. */
  #room(): number {
    return Math.min(this.rules.maxWait - this.#waited, this.deadline.remaining());
  }

  async #waitFor(wait: number): Promise<void> {
    // Callers that wait for the same backend do not all come back at once.
    const jitter = Math.random() * Math.min(wait / 10, MAX_JITTER, (this.#room() - wait) / 2);
    const duration = wait + jitter;
    const started = performance.now();
    this.#prompt = false;
    this.pool.events.emit({ type: 'waiting', duration });
    const pause = this.pool.pause(duration);
    try {
      await this.deadline.guard(pause.over);
    } finally {
      pause.end();
      this.#waited += performance.now() - started;
    }
  }

  #nobodyLeft(retryAfter: number): AxiosResponse {
    this.pool.events.emit({ type: 'exhausted', retryAfter });
    return fabricate(this.plan.config, retryAfter, this.pool.backends.length, this.adapter);
  }

  #record({ member }: Lease, started: number, { status, code }: Partial<Finding>, cooldown = 0): void {
    const attempt: Attempt = {
      backend: member.view.name,
      ...(status !== undefined && { status }),
      ...(code !== undefined && { code }),
      duration: performance.now() - started,
      ...(cooldown > 0 && { cooldown }),
    };
    this.attempts.push(attempt);
    this.pool.events.attempted(attempt);
  }
}

/** ms that are added to a wait at the most. */
const MAX_JITTER = 100;

/** ms between rounds where backends refuse and ask for no wait: refused calls count towards the quota too. */
const MIN_PAUSE = 10;

function noRush(wait: number): number {
  return wait > 0 ? wait : MIN_PAUSE;
}

/** An answer goes back as it came; an error where there is no answer, or where it broke off. */
function handedBack({ response, status, error }: Failure): AxiosResponse {
  const whole =
    response !== undefined && !isSuccess(status ?? 0) && (error === undefined || response.data !== undefined);
  if (whole) return response;
  throw error;
}
