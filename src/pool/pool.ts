import { callback, duration, isDuration, isText, must, resolveOptions } from '../base/check';
import { setHidden } from '../base/hidden';
import type { Aliases, Checks } from '../base/check';
import { now } from '../base/clock';
import type { Backend, CooldownStatus } from './backend';
import type { BackendOptions } from './backend-options';
import type { State } from './circuit';
import type { PoolEvent } from './events';
import { CORE, PoolCore, coreOf } from './pool-core';
import type { PoolSettings } from './pool-core';
import { affinity, roundRobin, weightedRandom } from './selectors';
import type { Selector } from './selectors';

/** Options of a pool. `undefined` means the default. */
export interface BackendPoolOptions {
  /** Picks one of the candidates. Default: `weightedRandom` */
  readonly selector?: Selector | undefined;
  /**
   * ms of cooldown after a 429 that specified no wait, or if a backend gave no response and no other sign of life;
   * doubled for each further failure in a row. Other failures start at 100 ms, or at this if it is shorter.
   * Default: 10 000
   */
  readonly defaultCooldown?: number | undefined;
  /**
   * ms of the longest cooldown. A backend that asks for a longer wait ranks behind the others instead. It limits neither
   * `pool.cool` nor what other processes share. Default: 300 000
   */
  readonly maxCooldown?: number | undefined;
}

/** The state of a backend, for a health endpoint. JSON-safe, without secrets. */
export interface BackendStatus extends Backend {
  /**
   * - `available`: used
   * - `cooling`: not used, unless no other backend is left and nobody asked for the wait
   * - `reserve`: ranks behind the others, because it asked for a longer wait than `maxCooldown`
   * - `trial`: its cooldown is over, and nothing has shown yet that it works again. One request at a time tests it; the
   *   others prefer another backend until a response shows it at work
   *
   * A cooldown of one deployment leaves it as it is.
   */
  readonly state: State;
  /** Whether `state` is `'available'`. */
  readonly available: boolean;
  /** The running cooldowns of the backend and of its deployments. */
  readonly cooldowns: readonly CooldownStatus[];
}

/** Refuses a function that makes a selector, and a selector's name: both are easily written in place of the selector. */
function checkSelector(value: unknown, place: string): Selector {
  if (value === undefined) return weightedRandom;
  if (value === roundRobin) throw new TypeError(`${place} is roundRobin itself; write roundRobin()`);
  if (value === affinity) throw new TypeError(`${place} is affinity itself; write affinity((config) => key)`);
  const meant = ['weightedRandom', 'leastPending', 'roundRobin()', 'affinity((config) => key)'].find(
    (call) => call.split('(')[0] === value,
  );
  if (meant !== undefined) throw new TypeError(`${place} is a selector's name; import it and write ${meant}`);
  return callback(weightedRandom)(value, place);
}

/** What other libraries call the options of a pool. */
export const POOL_ALIASES: Aliases = { strategy: 'selector' };

export const POOL_CHECKS: Checks<PoolSettings> = {
  selector: checkSelector,
  defaultCooldown: /* @__PURE__ */ duration(10_000),
  maxCooldown: /* @__PURE__ */ duration(300_000),
};

/** Marks a pool of any release and of any copy of this package. */
const BRAND = Symbol.for('axios-priority-adapter.pool');

/** The backends, and which of them may be used now. Several clients can share one. */
export class BackendPool {
  // No private field: TypeScript would take the pools of the two module kinds for different types.

  /**
   * @param backends at least one
   * @param options all have defaults
   * @throws TypeError that names the place and the value
   */
  constructor(backends: readonly BackendOptions[], options: BackendPoolOptions = {}) {
    checkNoBackends(options);
    const core = new PoolCore(resolveOptions(options, 'options', POOL_CHECKS, POOL_ALIASES));
    core.update(backends);
    setHidden(this, BRAND, true);
    setHidden(this, CORE, core);
  }

  /**
   * Whether `value` is a pool, also one made by another copy of this package, such as the CommonJS one.
   *
   * @param value anything
   */
  static isPool(value: unknown): value is BackendPool {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /** The backends, in the order given. The objects stay the same, and their counts are live. */
  get backends(): readonly Backend[] {
    return coreOf(this).backends.infos;
  }

  /**
   * The state of each backend now, in the order given. Fresh objects, JSON-safe and without secrets. Taking a snapshot
   * changes nothing and causes no event.
   *
   * @returns a status of each backend
   */
  snapshot(): BackendStatus[] {
    const time = now();
    const { backends } = coreOf(this);
    return backends.infos.map((info) => {
      const { state, cooldowns } = backends.find(info)!.look(time);
      return { ...info, state, available: state === 'available', cooldowns };
    });
  }

  /**
   * Calls a listener for each event of the pool.
   *
   * @param listener called synchronously, in the middle of a request. If it throws, the error is reported on the
   * console and disturbs no request
   * @returns a function that ends the subscription
   * @throws TypeError if `listener` isn't a function
   */
  subscribe(listener: (event: PoolEvent) => void): () => void {
    return coreOf(this).events.subscribe(listener);
  }

  /**
   * Puts a backend, or one deployment of it, on cooldown by hand: for maintenance, or because of what only you know.
   *
   * @param name of the backend
   * @param ms from now; 0 does nothing. `maxCooldown` doesn't apply. A running cooldown is never shortened
   * @param scope the deployment, by this backend's name for it. Default: the whole backend
   * @throws TypeError for an unknown name, an invalid duration or an empty scope
   */
  cool(name: string, ms: number, scope?: string): void {
    const backend = coreOf(this).backends.named(name);
    must(isDuration(ms), 'ms', 'be a finite number of ms ≥ 0', ms);
    must(scope === undefined || isText(scope), 'scope', 'be a non-empty string', scope);
    if (ms > 0) coreOf(this).cool(backend, scope, ms);
  }

  /**
   * Ends every cooldown of a backend and its deployments, and forgets their failures.
   *
   * @param name of the backend
   * @throws TypeError for an unknown name
   */
  restore(name: string): void {
    coreOf(this).restore(coreOf(this).backends.named(name));
  }

  /**
   * Replaces the list of backends while requests are under way. A backend that keeps its name keeps its state. One that
   * leaves finishes what it is doing.
   *
   * @param backends the whole new list
   * @throws TypeError that names the place and the value; then nothing has changed
   */
  update(backends: readonly BackendOptions[]): void {
    coreOf(this).update(backends);
  }
}

/** Backends in place of options would look like no options. @throws TypeError */
export function checkNoBackends(options: unknown): void {
  const isBackends = Array.isArray(options) || BackendPool.isPool(options);
  must(!isBackends, 'options', 'be an object', options, (given) =>
    Array.isArray(given)
      ? 'an array: pass the backends as the first argument'
      : 'a BackendPool: pass it as the first argument',
  );
}
