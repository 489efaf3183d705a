import { must } from '../base/check';
import { now } from '../base/clock';
import type { RequestConfig } from '../http/messages';
import type { PooledBackend, Scope } from './backend';
import type { BackendOptions } from './backend-options';
import { Candidates, lastResort, serving } from './candidates';
import type { Wanted } from './candidates';
import type { AttemptInFlight, Circuit } from './circuit';
import type { AttemptFailure, CooldownKind, CooldownLimits } from './failure-cost';
import { Events } from './events';
import { BackendList } from './backend-list';
import type { Selector } from './selectors';
import { ThrottleTime } from './pace';
import { Waiters } from './waiters';
import { WORDS } from './reasons';
import type { CooldownReason } from './reasons';

/**
 * An attempt under way. The first of `noteSuccess`, `noteAtWork`, `noteFailure` and `release` ends it. `noteFailure`
 * counts even after that.
 */
export interface InFlight extends AttemptInFlight {
  readonly backend: PooledBackend;
  /** The deployment, by the backend's name for it. */
  readonly scope: Scope;
  /** In ms on the clock of `base/clock`. */
  readonly began: number;
  ended: boolean;
}

/** A failed attempt, and what it is about. */
interface PoolFailure extends Omit<AttemptFailure, 'isAlive'> {
  /** The deployment that is on cooldown. `undefined`: the whole backend. */
  readonly scope: Scope;
}

/** A cooldown of a backend, or of one deployment of it, with what ends and follows it. */
export interface Cooldown {
  readonly scope: Scope;
  readonly reason: CooldownReason;
  readonly kind: CooldownKind;
  /** ms */
  readonly duration: number;
}

/** Passes on what other processes should know. `shareCooldowns` does. */
export interface SharingObserver {
  /**
   * Called for each cooldown that this process caused, also for one that ends before another that is running. Not for
   * those that it learned from others.
   */
  cooled(backend: PooledBackend, cooldown: Cooldown): void;
  /** Called for each `restore`, also for one that another process told of. */
  restored(backend: PooledBackend): void;
}

/** The options of a pool, every default filled in. */
export interface PoolSettings extends CooldownLimits {
  readonly selector: Selector;
}

/**
 * What the failover needs from a pool beyond its public methods. `BackendPool` is a facade over it. Its users reach it
 * through a symbol that carries the version of this interface (`coreOf`).
 */
export class PoolCore {
  readonly backends = new BackendList();
  readonly events = new Events();
  readonly waiters = new Waiters(this);
  readonly throttleTime = new ThrottleTime();
  readonly observers = new Set<SharingObserver>();
  readonly #candidates = new Candidates();
  #deploymentsMatter: boolean | undefined;
  /** Counts attempts and cooldowns in the order in which they happen, so that "since it began" is one comparison. */
  #epoch = 0;

  constructor(private readonly settings: PoolSettings) {}

  /** @throws TypeError that names the place and the value; then nothing has changed */
  update(backends: readonly BackendOptions[]): void {
    this.backends.update(backends);
    this.#refresh();
  }

  /** Puts a backend, or one of its deployments, on cooldown by hand. `maxCooldown` doesn't apply. */
  cool(backend: PooledBackend, scope: Scope, ms: number): void {
    const cooldown: Cooldown = { scope, reason: 'manual', kind: 'asked', duration: ms };
    this.#tellObservers(backend, cooldown);
    this.#impose(backend, cooldown, false);
  }

  /** Puts it on cooldown because another process says so. It isn't passed on again. The caller has limited the length. */
  learn(backend: PooledBackend, cooldown: Cooldown): void {
    this.#impose(backend, cooldown, true);
  }

  restore(backend: PooledBackend): void {
    backend.restoredAt = now();
    for (const observer of this.observers) observer.restored(backend);
    const scopes = backend.restore();
    this.#refresh();
    this.#tellRecovered(backend, scopes);
  }

  /**
   * Picks the backend for one attempt, and notes that it is under way. `undefined`: no backend is available, or every
   * available one must be skipped.
   *
   * @param tried names of the backends that this request has tried
   * @param isPaced whether it skips backends that are reserved for waiting requests at the moment
   * @throws TypeError if the selector returned none of the candidates; then nothing has changed
   */
  begin(wanted: Wanted, tried: ReadonlySet<string>, config: RequestConfig, isPaced: boolean): InFlight | undefined {
    const time = now();
    this.#noticeRecovered(time);
    const able = serving(this.backends, wanted);
    const heldBack = isPaced ? able.filter((one) => this.waiters.holdsBack(wanted, one, time)) : [];
    const skipped = heldBack.length > 0 ? new Set([...tried, ...heldBack.map(({ info }) => info.name)]) : tried;
    const candidates = this.#candidates.of(able, wanted, skipped, time);
    if (candidates.length === 0) return undefined;
    const picked = wanted.pinned === undefined ? this.settings.selector(candidates, config) : candidates[0]!;
    // The selector itself may have changed the pool.
    const backend = this.backends.find(picked);
    must(backend !== undefined && candidates.includes(picked), 'the selector', 'return one of its candidates', picked);
    return this.#started(backend, wanted, time);
  }

  /**
   * Begins the one attempt that a request makes when no backend is available: failures never close the pool.
   * `undefined`: each backend that it hasn't tried is out because the server, or the user, asked for it.
   */
  beginLastResort(wanted: Wanted, tried: ReadonlySet<string>): InFlight | undefined {
    const time = now();
    const backend = lastResort(serving(this.backends, wanted), wanted.deployment, tried, time);
    return backend && this.#started(backend, wanted, time);
  }

  #started(backend: PooledBackend, wanted: Wanted, time: number): InFlight {
    const inFlight: InFlight = {
      backend,
      scope: backend.scopeOf(wanted.deployment),
      epoch: ++this.#epoch,
      began: time,
      ended: false,
    };
    backend.info.pending++;
    for (const circuit of backend.circuitsOf(inFlight.scope)) {
      if (circuit.begin(inFlight, time, this.settings)) this.#candidatesChanged(circuit.nextChange(time));
    }
    this.waiters.noteStart(wanted, backend, time);
    return inFlight;
  }

  /** The attempt ended in a 2xx or 3xx. */
  noteSuccess(inFlight: InFlight, time: number): void {
    inFlight.backend.info.successes++;
    this.noteAtWork(inFlight, time);
  }

  /** The backend answered, if only with a 5xx. */
  noteAnswer({ backend }: InFlight): void {
    backend.answeredEpoch = this.#epoch;
  }

  /** The attempt ended in a response that shows the backend at work. */
  noteAtWork(inFlight: InFlight, time = now()): void {
    const { backend, scope } = inFlight;
    this.noteAnswer(inFlight);
    let changed = false;
    for (const circuit of backend.circuitsOf(scope)) changed = circuit.worked(inFlight, time) || changed;
    // A success that proves nothing still frees the place of the trial.
    if (this.#end(inFlight) || changed) this.#refresh();
  }

  /** The attempt failed, and its backend is blamed. Returns the ms of cooldown that this costs. */
  noteFailure(inFlight: InFlight, { scope, ...failure }: PoolFailure): number {
    const { backend, epoch } = inFlight;
    if (failure.reason === 'throttled') this.#noteThrottle(inFlight);
    backend.info.failures++;
    const isFreed = this.#end(inFlight);
    const attempt = { ...failure, isAlive: backend.answeredEpoch >= epoch };
    const { duration, reason, kind, isExtended } = this.#changeCircuit(backend, scope, (circuit, ofFailure, time) =>
      circuit.failed(inFlight, attempt, ofFailure, time, this.settings),
    );
    // Not before: whoever looks for a backend must see the failure.
    if (isFreed) this.#refresh();
    if (duration === 0) return 0;
    const cooldown: Cooldown = { scope, reason, kind, duration };
    this.#tellObservers(backend, cooldown);
    this.#noteCooldown(backend, cooldown, isExtended, false);
    return duration;
  }

  /** The attempt ended, and says nothing about its backend. */
  release(inFlight: InFlight): void {
    if (this.#end(inFlight)) this.#refresh();
  }

  /**
   * ms until a backend that the request may still try leaves cooldown and reserve; 0 if one has, Infinity if there is none
   * to try. A trial counts as available.
   *
   * @param opensAt when a backend may be used at the earliest, even if it is available before
   */
  availableIn(wanted: Wanted, opensAt: (backend: PooledBackend) => number = () => 0): number {
    const time = now();
    const at = serving(this.backends, wanted)
      .filter(({ info }) => !wanted.final.has(info.name))
      .map((backend) => Math.max(backend.availableAt(backend.scopeOf(wanted.deployment), time), opensAt(backend)));
    return Math.max(0, Math.min(...at) - time);
  }

  /**
   * Whether it matters which deployment a request needs: one is on cooldown, requests wait for one, or a backend doesn't
   * have all of them.
   */
  deploymentsMatter(): boolean {
    this.#deploymentsMatter ??=
      this.backends.lacksDeployments || this.backends.byPriority.some((backend) => backend.knowsDeployments);
    return this.#deploymentsMatter || this.waiters.waitForDeployments();
  }

  /** Whether `begin` would find a backend (if it isn't paced), or else `beginLastResort`. */
  hasBackend(wanted: Wanted, tried: ReadonlySet<string>): 'yes' | 'last resort' | 'no' {
    const time = now();
    this.#noticeRecovered(time);
    const able = serving(this.backends, wanted);
    if (this.#candidates.of(able, wanted, tried, time).length > 0) return 'yes';
    return lastResort(able, wanted.deployment, tried, time) === undefined ? 'no' : 'last resort';
  }

  #noteThrottle({ backend, began }: InFlight): void {
    backend.throttles++;
    this.throttleTime.note(now() - began);
  }

  /** Returns whether the place of a trial became free. */
  #end(inFlight: InFlight): boolean {
    if (inFlight.ended) return false;
    inFlight.ended = true;
    const { backend, scope } = inFlight;
    backend.info.pending--;
    let freed = false;
    for (const circuit of backend.circuitsOf(scope)) freed = circuit.end(inFlight) || freed;
    return freed;
  }

  #impose(backend: PooledBackend, cooldown: Cooldown, remote: boolean): void {
    const { scope, reason, kind, duration } = cooldown;
    const isExtended = this.#changeCircuit(backend, scope, (circuit, epoch, time) =>
      circuit.impose(kind, { until: time + duration, reason, words: WORDS[reason] }, epoch, time),
    );
    this.#noteCooldown(backend, cooldown, isExtended, remote);
  }

  /** Changes the circuit of a backend, or of one deployment of it, for a cooldown or a failure. */
  #changeCircuit<T>(
    backend: PooledBackend,
    scope: Scope,
    change: (circuit: Circuit, epoch: number, time: number) => T,
  ): T {
    const circuit = backend.circuitFor(scope);
    const time = now();
    const result = change(circuit, ++this.#epoch, time);
    backend.keep(scope, circuit, time);
    this.#deploymentsMatter = undefined;
    return result;
  }

  /** Not shared if the backend has left the pool. */
  #tellObservers(backend: PooledBackend, cooldown: Cooldown): void {
    if (this.backends.find(backend.info) === undefined) return;
    for (const observer of this.observers) observer.cooled(backend, cooldown);
  }

  #noteCooldown(
    backend: PooledBackend,
    { scope, reason, duration }: Cooldown,
    isExtended: boolean,
    remote: boolean,
  ): void {
    const time = now();
    backend.circuitFor(scope).noteState(time);
    this.#candidatesChanged(time + duration);
    // Some may not be served in time any more.
    if (isExtended) this.waiters.wake();
    // A backend that has left the pool never emits `recovered`, so it emits no `cooldown` either.
    if (!isExtended || this.backends.find(backend.info) === undefined) return;
    this.events.cooled(backend.info.name, scope, { reason, duration, ...(remote && { remote }) });
  }

  /** There are no timers: cooldowns that have ended are noticed when somebody asks. */
  #noticeRecovered(time: number): void {
    if (this.#candidates.mayHaveChanged(time)) this.#lookAtAll(time);
  }

  /** A backend may have come back earlier than expected, so waiting requests try again. */
  #refresh(): void {
    this.#lookAtAll(now());
    this.waiters.wake();
  }

  /** Emits `recovered` for the cooldowns that have ended, and finds out when the next one does. */
  #lookAtAll(time: number): void {
    const { byPriority } = this.backends;
    const recovered = byPriority.map((backend) => [backend, backend.recover(time)] as const);
    this.#candidates.renew(Math.min(...byPriority.map((backend) => backend.nextChange(time))));
    this.#deploymentsMatter = undefined;
    // Last: a listener may send a request of its own.
    for (const [backend, scopes] of recovered) this.#tellRecovered(backend, scopes);
  }

  #tellRecovered(backend: PooledBackend, scopes: readonly Scope[]): void {
    for (const scope of scopes) this.events.recovered(backend.info.name, scope);
  }

  /** The candidates have changed, and will change by themselves at `next` or before. */
  #candidatesChanged(next: number): void {
    this.#candidates.changed(next);
    this.#deploymentsMatter = undefined;
  }
}

/** Holds the `PoolCore`. Raise the number whenever its interface changes. */
export const CORE = Symbol.for('axios-priority-adapter.pool-core/4');

/**
 * The internals of a pool.
 *
 * @throws TypeError for a pool made by a release with another version of the internals
 */
export function coreOf(pool: object): PoolCore {
  const core = (pool as Record<symbol, PoolCore | undefined>)[CORE];
  if (core === undefined) {
    throw new TypeError(
      'the pool was made by another release of axios-priority-adapter; use the same release everywhere in a process',
    );
  }
  return core;
}
