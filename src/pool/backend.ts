import { nameAt } from './deployments';
import type { BackendSettings } from './backend-options';
import { Circuit } from './circuit';
import type { Availability, State } from './circuit';
import type { CooldownReason } from './reasons';

/** A backend's public information. It holds no secrets, so it is safe to log. */
export interface Backend {
  /** Unique in its pool. */
  readonly name: string;
  /** Origin and path prefix, without a slash at the end. */
  readonly baseURL: string;
  /** Lower is tried first. */
  readonly priority: number;
  /** The share of the traffic among the available backends of the same priority. */
  readonly weight: number;
  /** Attempts under way. */
  readonly pending: number;
  /** Attempts that ended in a 2xx or 3xx. */
  readonly successes: number;
  /**
   * Attempts that failed and were held against the backend: a 429, a 5xx, a refusal of its own credential, no usable
   * response, or whatever a condition failed over from.
   */
  readonly failures: number;
}

/** An entry of `BackendStatus.cooldowns`. */
export interface CooldownStatus {
  /** The deployment, by this backend's name for it, if only that is on cooldown. */
  readonly scope?: string;
  /** Why it is on cooldown. */
  readonly reason: CooldownReason;
  /** ms until it ends */
  readonly remaining: number;
}

/** A deployment, by the backend's name for it. `undefined`: the backend as a whole. */
export type Scope = string | undefined;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The most deployments that a backend remembers. */
const MAX_DEPLOYMENTS = 500;
/**
 * How many it forgets at once beyond that: finding them takes a look at all, and a server may throttle thousands of
 * names.
 */
const FORGOTTEN = 50;

/** A backend in a pool: what the public sees of it, its settings, and its circuits. */
export class PooledBackend {
  readonly info: Mutable<Backend>;
  /** Of the backend as a whole. */
  readonly #circuit = new Circuit();
  /** `circuitsOf` without a known deployment; cached. */
  readonly #alone: readonly Circuit[] = [this.#circuit];
  /** Of its deployments, as long as there is anything to remember. Most backends have none. */
  readonly #deployments = new Map<string, Circuit>();

  /** The pool's count at the latest response, of whatever status. */
  answeredEpoch = 0;
  /** When it was last restored, in ms on the clock of `base/clock`. Older news of other processes don't take it out. */
  restoredAt = -Infinity;
  /** Calls that it answered with a 429. */
  throttles = 0;

  constructor(public settings: BackendSettings) {
    const { name, baseURL, priority, weight } = settings;
    this.info = { name, baseURL, priority, weight, pending: 0, successes: 0, failures: 0 };
  }

  /** New settings under the same name: counts and cooldowns stay. */
  updateSettings(settings: BackendSettings): this {
    const { baseURL, priority, weight } = settings;
    Object.assign(this.info, { baseURL, priority, weight });
    this.settings = settings;
    return this;
  }

  /** This backend's name for the caller's deployment. */
  scopeOf(deployment: string | undefined): Scope {
    const name = deployment === undefined ? undefined : nameAt(this.settings, deployment);
    return typeof name === 'string' ? name : deployment;
  }

  /** Whether it has the caller's deployment. A request that names none can go anywhere. */
  has(deployment: string | undefined): boolean {
    return deployment === undefined || nameAt(this.settings, deployment) !== false;
  }

  /** Whether there are deployments that it says it doesn't have. */
  lacksDeployments(): boolean {
    return [...(this.settings.deployments?.values() ?? [])].includes(false);
  }

  /** Whether there is anything to remember of a deployment. */
  get knowsDeployments(): boolean {
    return this.#deployments.size > 0;
  }

  /** The worse of the whole backend's and the deployment's. */
  availability(scope: Scope, now: number): Availability {
    const whole = this.#circuit.availability(now);
    const deployment = this.#known(scope)?.availability(now) ?? 'yes';
    if (whole === 'no' || deployment === 'no') return 'no';
    return whole === 'behind' || deployment === 'behind' ? 'behind' : 'yes';
  }

  /** Whether a guessed cooldown alone keeps it out. Such a one gives way when no other backend can serve. */
  givesWay(scope: Scope, now: number): boolean {
    return this.availability(scope, now) === 'no' && !this.circuitsOf(scope).some((circuit) => circuit.isAsked(now));
  }

  /** The pool's count at the latest failure that a request for this deployment has to know of. */
  failedEpoch(scope: Scope): number {
    return Math.max(...this.circuitsOf(scope).map((circuit) => circuit.failedEpoch));
  }

  /** When it is available again as before, unless something else happens first. */
  availableAt(scope: Scope, now: number): number {
    return Math.max(this.#circuit.availableAt(now), this.#known(scope)?.availableAt(now) ?? 0);
  }

  /** Why it isn't used, in words: the reason of what keeps it out the longest. */
  outBecause(scope: Scope, now: number): string | undefined {
    const [longest] = [...this.circuitsOf(scope)].sort((a, b) => b.availableAt(now) - a.availableAt(now));
    return longest!.outBecause(now);
  }

  nextChange(now: number): number {
    let next = this.#circuit.nextChange(now);
    for (const circuit of this.#deployments.values()) next = Math.min(next, circuit.nextChange(now));
    return next;
  }

  /** Notices the cooldowns that have ended by `now`. Returns the scopes that may be used again as before. */
  recover(now: number): Scope[] {
    const recovered: Scope[] = [];
    if (this.#circuit.noteState(now)) recovered.push(undefined);
    for (const [scope, circuit] of this.#deployments) {
      // A deployment of a backend that is out comes back when the backend does.
      if (!this.#circuit.wasUnavailable && circuit.noteState(now)) recovered.push(scope);
      if (!circuit.wasUnavailable && circuit.isFresh(now)) this.#deployments.delete(scope);
    }
    return recovered;
  }

  /** Ends all cooldowns and forgets all failures. Returns the scopes that were out. */
  restore(): Scope[] {
    const recovered: Scope[] = this.#circuit.restore() ? [undefined] : [];
    for (const [scope, circuit] of this.#deployments) if (circuit.restore()) recovered.push(scope);
    this.#deployments.clear();
    return recovered;
  }

  /** Its state now, for a status. Changes nothing. */
  look(now: number): { readonly state: State; readonly cooldowns: readonly CooldownStatus[] } {
    const { state, cooldowns } = this.#circuit.look(now);
    const ofDeployments = [...this.#deployments].flatMap(([scope, circuit]) =>
      circuit.look(now).cooldowns.map((cooldown) => ({ scope, ...cooldown })),
    );
    return { state, cooldowns: [...cooldowns, ...ofDeployments] };
  }

  /** The circuits that a request for this deployment depends on. */
  circuitsOf(scope: Scope): readonly Circuit[] {
    const deployment = this.#known(scope);
    return deployment === undefined ? this.#alone : [this.#circuit, deployment];
  }

  /** The circuit of the backend, or of one deployment: a new one where there is none, which `keep` remembers. */
  circuitFor(scope: Scope): Circuit {
    return scope === undefined ? this.#circuit : (this.#deployments.get(scope) ?? new Circuit());
  }

  /** Keeps the circuit of a deployment if it has any state, so that unknown names don't displace others. */
  keep(scope: Scope, circuit: Circuit, now: number): void {
    if (scope === undefined || this.#deployments.has(scope) || circuit.isFresh(now)) return;
    this.#deployments.set(scope, circuit);
    if (this.#deployments.size > MAX_DEPLOYMENTS) this.#forgetSome(scope, now);
  }

  /** Forgets the deployments that come back first, except this one. */
  #forgetSome(except: string, now: number): void {
    const others = [...this.#deployments].filter(([scope]) => scope !== except);
    const times = others.map(([scope, circuit]) => ({ scope, at: circuit.availableAt(now) }));
    for (const { scope } of times.sort((a, b) => a.at - b.at).slice(0, FORGOTTEN)) this.#deployments.delete(scope);
  }

  #known(scope: Scope): Circuit | undefined {
    return scope !== undefined && this.#deployments.size > 0 ? this.#deployments.get(scope) : undefined;
  }
}
