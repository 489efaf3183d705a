import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { planOf } from './attempt';
import type { Plan } from './attempt';
import { asIs, capture, isOneShot } from './body';
import type { Body, OneShot } from './body';
import { codeOf } from './coded-error';
import { deadlineOf, Interruption } from './deadline';
import type { Deadline } from './deadline';
import type { Attempt } from './events';
import { checkAnswer, checkChosen } from './options';
import type { Rules } from './options';
import { failureOf, isBackendsFault, isSuccess, reasonOf } from './outcome';
import type { Failure, Parties } from './outcome';
import type { BackendPool, Lease } from './pool';
import { discard, fabricate, timeoutError, timeoutOf } from './response';
import { parseRetryAfter } from './retry-after';
import { send } from './send';
import type { Trail } from './trail';

/** ms that are added to a wait at the most: so many for each who waits, and so many in all. */
const JITTER_PER_SLEEPER = 5;
const MAX_JITTER = 250;

/** ms between rounds where backends refuse and ask for no wait: refused calls count towards the quota too. */
const MIN_PAUSE = 10;

const NOBODY: ReadonlySet<string> = new Set();

/** One request on its way from backend to backend: the steps it takes, and what they cost it. */
export class Journey {
  readonly plan: Plan;
  readonly deadline: Deadline;
  /** Names of the backends it has been to since it last waited. */
  #tried: ReadonlySet<string> = NOBODY;
  /** Of the latest attempt. */
  #lease: Lease | undefined;
  #body: Body | undefined;
  /** ms */
  #waited = 0;
  /** Whether the first attempt began as soon as the request did, so that it has the whole budget. */
  #prompt = true;

  /** @throws CodedError `ERR_INVALID_URL`, or an AxiosError for a `timeout` that is no number */
  constructor(
    private readonly config: InternalAxiosRequestConfig,
    adapter: AxiosAdapter,
    private readonly pool: BackendPool,
    private readonly rules: Rules,
    readonly trail: Trail,
  ) {
    this.plan = planOf(config, adapter);
    this.deadline = deadlineOf(config, timeoutOf(config));
  }

  end(): void {
    this.deadline.close();
    // Whatever was thrown on the way, of an answer that cannot be read, say: nothing stays under way for ever.
    if (this.#lease !== undefined) this.pool.release(this.#lease);
  }

  /**
   * One attempt, at a backend that this request has not been to, or else a wait. Gives what the request is answered
   * with: a backend's answer or the fabricated one; `undefined` to go on. Throws what is to reject the request.
   */
  step(): Promise<AxiosResponse | undefined> | AxiosResponse | undefined {
    this.deadline.check();
    const lease = this.pool.lease(this.plan.deployment, this.#tried, this.config);
    if (lease !== undefined) return this.#attemptAt(lease);
    return this.#mayWait() ? this.#waitForSomebody() : this.#nobodyLeft();
  }

  /** Sends the request to the backend that was chosen, and tells the pool how that went. */
  async #attemptAt(lease: Lease): Promise<AxiosResponse | undefined> {
    this.#lease = lease;
    const opened = this.#body ?? this.#openBody(lease);
    const body = (this.#body = opened instanceof Promise ? await opened : opened);
    const started = performance.now();
    let failure: Failure;
    try {
      const response = writable(await send(this, lease.member.settings, body, this.rules.attemptTimeout));
      const { status } = response;
      if (isSuccess(status)) {
        this.pool.succeed(lease);
        this.#record({ backend: lease.member.view.name, status, duration: performance.now() - started });
        return response;
      }
      failure = { ...this.#partiesOf(lease), response, status, attemptTimedOut: false };
    } catch (error) {
      failure = this.#failureOf(error, lease, started, body);
    }
    if (!this.#movesOn(lease, started, failure, body)) return handedBack(failure);
    discard(failure.response);
    this.#tried = new Set(this.#tried).add(lease.member.view.name);
    return undefined;
  }

  /** Whether somebody will be available before the time for waiting, and the caller's, is over. */
  #mayWait(): boolean {
    return this.#pauseBeforeNext() <= this.#room();
  }

  async #waitForSomebody(): Promise<undefined> {
    const wait = this.#pauseBeforeNext();
    // The more wait, the further apart they come back: whoever comes first and is refused spares the others the way.
    const jitter = Math.min(this.pool.sleepers * JITTER_PER_SLEEPER, MAX_JITTER, (this.#room() - wait) / 2);
    const duration = wait + Math.random() * jitter;
    const started = performance.now();
    this.#prompt = false;
    this.pool.events.emit({ type: 'waiting', duration });
    const pause = this.pool.pause(duration);
    try {
      await this.deadline.guard(pause.over);
    } finally {
      pause.end();
    }
    this.#waited += performance.now() - started;
    this.#tried = NOBODY;
  }

  #nobodyLeft(): AxiosResponse {
    const retryAfter = this.pool.soonest(this.plan.deployment);
    this.pool.events.emit({ type: 'exhausted', retryAfter });
    return fabricate(this.config, retryAfter, this.pool.backends.length, this.plan.adapter);
  }

  #pauseBeforeNext(): number {
    const wait = this.pool.soonest(this.plan.deployment);
    return wait > 0 ? wait : MIN_PAUSE;
  }

  /** ms that this request may still wait. */
  #room(): number {
    return Math.min(this.rules.maxWait - this.#waited, this.deadline.remaining());
  }

  /** Asks the user's rules about a failure, and tells the pool. */
  #movesOn(lease: Lease, started: number, failure: Failure, body: Body): boolean {
    // What a user's rule may log is the caller's config, not that of the attempt.
    if (failure.response !== undefined) failure.response.config = this.config;
    let blamed = isBackendsFault(failure);
    let chosen: number | undefined;
    try {
      const movesOn = checkAnswer(this.rules.failoverCondition(failure), 'failoverCondition');
      blamed ||= movesOn;
      if (blamed) chosen = checkChosen(this.rules.cooldown(failure));
      return movesOn && body.replayable && !this.rules.once;
    } catch (error) {
      discard(failure.response);
      throw error;
    } finally {
      this.#close(lease, started, failure, blamed, chosen);
    }
  }

  /** What an error says about the backend. Rethrows what says nothing about it: a cancel, or the caller's own making. */
  #failureOf(error: unknown, lease: Lease, started: number, body: Body): Failure {
    const parties = this.#partiesOf(lease);
    const why = error instanceof Interruption ? error.why : undefined;
    if (why === 'attempt-timeout') {
      const timeout = timeoutError(this.config, this.rules.attemptTimeout);
      return { ...parties, error: timeout, ...codeOf(timeout), attemptTimedOut: true };
    }
    const reason = this.trail.cleaned(error);
    const failure = why === undefined && failureOf(reason, parties, body.failure.error);
    if (failure) return failure;
    const hadWholeBudget = this.#prompt && this.trail.attempts.length === 0;
    const ended = { ...parties, error: reason, ...codeOf(reason), attemptTimedOut: false };
    this.#close(lease, started, ended, why === 'timeout' && hadWholeBudget);
    throw reason;
  }

  /** The attempt is over, and its backend out of use where it is to blame. */
  #close(lease: Lease, started: number, failure: Failure, blamed: boolean, chosen?: number): void {
    const { status, code, response } = failure;
    const refusal = isSuccess(status) ? undefined : response;
    const cooldown = blamed
      ? this.pool.fail(lease, {
          reason: reasonOf(failure),
          chosen,
          asked: refusal && parseRetryAfter(refusal),
          scoped: refusal !== undefined && refusal.status < 500,
        })
      : this.pool.release(lease);
    this.#record({
      backend: lease.member.view.name,
      ...(status !== undefined && { status }),
      ...(code !== undefined && { code }),
      duration: performance.now() - started,
      ...(cooldown > 0 && { cooldown }),
    });
  }

  #partiesOf({ member }: Lease): Parties {
    return { backend: member.view, config: this.config };
  }

  /** A body that can be read once is read, for as many attempts as there will be, where there is need to have it whole. */
  #openBody(lease: Lease): Body | Promise<Body> {
    const { data } = this.config as { data?: unknown };
    const onlyAttempt = this.rules.once === true || (this.pool.backends.length === 1 && this.rules.maxWait === 0);
    const namesModel = lease.member.settings.deployments !== undefined && this.plan.deployment === undefined;
    return !isOneShot(data) || (onlyAttempt && !namesModel) ? asIs(data) : this.#capture(data);
  }

  #capture(data: OneShot): Promise<Body> {
    this.#prompt = false;
    return this.deadline.guard(capture(data, this.rules.maxReplaySize));
  }

  #record(attempt: Attempt): void {
    this.trail.attempts.push(attempt);
    this.pool.events.attempted(attempt);
  }
}

/** A frozen answer, such as a fixture of somebody's tests, is copied: what is to be said of it is written on it. */
function writable(response: AxiosResponse): AxiosResponse {
  return Object.isExtensible(response) ? response : { ...response };
}

/** An answer goes back as it came; an error where there is no answer, or where it broke off. */
function handedBack({ response, status = 0, error }: Failure): AxiosResponse {
  if (!isSuccess(status) && (error === undefined || response!.data !== undefined)) return response!;
  throw error;
}
