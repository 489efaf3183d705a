import type { AxiosRequestConfig } from 'axios';
import { resolveBackends } from './backend';
import type { Backend, BackendOptions, BackendSettings } from './backend';
import { callback, duration, isDuration, isText, must, resolve } from './check';
import type { Checks } from './check';
import { after } from './deadline';
import { Events } from './events';
import type { PoolEvent } from './events';
import { Health } from './health';
import type { Cooldown, CooldownReason, CooldownStatus, Ticket } from './health';
import { weightedRandom } from './selectors';
import type { Selector } from './selectors';

/** What `new BackendPool` takes besides the backends. `undefined` means the default. */
export interface BackendPoolOptions {
  /** Picks one of the candidates. Default: `weightedRandom` */
  readonly selector?: Selector | undefined;
  /** ms a backend is out of use where the server named no wait; doubled for each further failure in a row. Default: 10 000 */
  readonly defaultCooldown?: number | undefined;
  /** ms; no cooldown is longer, except one by hand. Default: 300 000 */
  readonly maxCooldown?: number | undefined;
}

/** For a health endpoint: JSON-safe, without secrets. */
export interface BackendStatus extends Backend {
  /**
   * `cooling`: not used. `reserve`: used only if nobody else can be, since it asked to be left alone for longer than
   * `maxCooldown`. `trial`: it cooled down without having said for how long, so one request at a time tries it, and the
   * others prefer somebody else until that succeeds. A cooldown of one deployment leaves it as it is.
   */
  readonly state: 'available' | 'trial' | 'reserve' | 'cooling';
  /** Whether `state` is `'available'`. */
  readonly available: boolean;
  /** Of the backend and of its deployments, those that are not over. */
  readonly cooldowns: readonly CooldownStatus[];
}

/** A backend in the pool: what the public sees, what it does to a request, and how it is. */
export interface Member {
  readonly view: Mutable<Backend>;
  settings: BackendSettings;
  readonly health: Health;
}

/** An attempt under way at a member. Ended by the first of `succeed`, `fail` and `release`. */
export interface Lease extends Ticket {
  readonly member: Member;
  ended: boolean;
}

/** What a failed attempt does to its backend. */
export interface Verdict {
  readonly reason: CooldownReason;
  /** ms that the user's own rule gives; it wins over the server's. */
  readonly chosen: number | undefined;
  /** ms that the server asked for. */
  readonly asked: number | undefined;
  /** Whether only the deployment that was asked for is meant. */
  readonly scoped: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The candidates for requests of one deployment, until something changes. */
type Candidates = readonly Backend[];

export const POOL_CHECKS: Checks<Required<{ [K in keyof BackendPoolOptions]: NonNullable<BackendPoolOptions[K]> }>> = {
  selector: /* @__PURE__ */ callback(weightedRandom),
  defaultCooldown: /* @__PURE__ */ duration(10_000),
  maxCooldown: /* @__PURE__ */ duration(300_000),
};

/** Candidates are remembered for so many deployments at once. */
const MAX_LISTS = 200;

const brand = Symbol.for('axios-priority-adapter.pool');

/** Who may be used now, and who next. Several clients may share one. */
export class BackendPool {
  /** @internal */
  readonly events = new Events();
  readonly #options;
  readonly #sleepers = new Set<() => void>();
  /** By priority, then as given. */
  #members: Member[] = [];
  #byView = new Map<Backend, Member>();
  #backends: readonly Backend[] = [];
  /** Scanning all backends for each request is avoidable: who is a candidate changes only at deadlines and failures. */
  readonly #lists = new Map<string | undefined, Candidates>();
  #nextChange = Infinity;
  /** Numbers attempts and failures in one row. */
  #count = 0;

  /**
   * @param backends at least one
   * @param options none are required
   * @throws TypeError that names the place and the value
   */
  constructor(backends: readonly BackendOptions[], options: BackendPoolOptions = {}) {
    this.#options = resolve(options, 'options', POOL_CHECKS);
    Object.defineProperty(this, brand, { value: true });
    this.update(backends);
  }

  /**
   * Whether `value` is a pool, also one made by the other module kind's copy of this package.
   *
   * @param value anything
   */
  static isPool(value: unknown): value is BackendPool {
    return typeof value === 'object' && value !== null && brand in value;
  }

  /** In the order given. The objects stay the same while requests change what is in them. */
  get backends(): readonly Backend[] {
    return this.#backends;
  }

  /**
   * How each backend is now, in the order given: for a health endpoint. Fresh objects, JSON-safe and without secrets.
   * A look changes nothing and causes no event.
   */
  snapshot(): BackendStatus[] {
    const now = performance.now();
    return this.#backends.map((view) => {
      const { health } = this.#byView.get(view)!;
      const state = health.state(now);
      return { ...view, state, available: state === 'available', cooldowns: health.cooldowns(now) };
    });
  }

  /**
   * Tells a listener what happens in the pool, until the subscription is ended.
   *
   * @param listener called at once for each event; what it throws is reported on the console and disturbs no request
   * @returns what ends the subscription
   * @throws TypeError for what is no function
   */
  subscribe(listener: (event: PoolEvent) => void): () => void {
    return this.events.subscribe(listener);
  }

  /**
   * Takes a backend, or one deployment of it, out of use: by hand, or because another process saw it throttled.
   *
   * @param name of the backend
   * @param ms not capped by `maxCooldown`; an earlier end than the present one changes nothing
   * @param scope the deployment, by the name that this backend knows it by
   * @throws TypeError for an unknown name or a wrong duration
   */
  cool(name: string, ms: number, scope?: string): void {
    const member = this.#named(name);
    must(isDuration(ms), 'ms', 'be a finite number of ms ≥ 0', ms);
    must(scope === undefined || isText(scope), 'scope', 'be a non-empty string', scope);
    if (ms > 0) this.#cool(member, { scope, reason: 'manual', duration: ms, trial: false });
  }

  /**
   * Puts a backend, and every deployment of it, back into use, as if nothing had ever happened.
   *
   * @param name of the backend
   * @throws TypeError for an unknown name
   */
  restore(name: string): void {
    const member = this.#named(name);
    const scopes = member.health.restore();
    this.#refresh();
    this.#recovered(member, scopes);
  }

  /**
   * Replaces the backends while requests are under way: who keeps the name keeps the state, and who leaves finishes
   * what it has.
   *
   * @param backends the new list, whole
   * @throws TypeError that names the place and the value; then nothing has changed
   */
  update(backends: readonly BackendOptions[]): void {
    const known = new Map(this.#members.map((member) => [member.view.name, member]));
    const members = resolveBackends(backends).map((settings) => joined(known.get(settings.name), settings));
    this.#backends = Object.freeze(members.map((member) => member.view));
    this.#byView = new Map(members.map((member) => [member.view, member]));
    this.#members = [...members].sort((a, b) => a.settings.priority - b.settings.priority);
    this.#refresh();
  }

  /**
   * Picks the backend for one attempt. `undefined`: nobody is available.
   *
   * @internal
   * @param deployment as the caller knows it
   * @param tried names of who has been tried by this request
   * @throws TypeError where the selector returned none of the candidates; no state has changed then
   */
  lease(deployment: string | undefined, tried: ReadonlySet<string>, config: AxiosRequestConfig): Lease | undefined {
    const now = performance.now();
    this.#advance(now);
    const candidates = this.#candidates(deployment, tried, now);
    if (candidates.length === 0) return undefined;
    const picked = this.#options.selector(candidates, config);
    // One that has left meanwhile is no member any more.
    const member = this.#byView.get(picked);
    must(member !== undefined && candidates.includes(picked), 'the selector', 'return one of its candidates', picked);
    const lease: Lease = { member, scope: scopeAt(member, deployment), began: ++this.#count, ended: false };
    member.view.pending++;
    // A trial that is never heard of again keeps its place no longer than a cooldown may last.
    const until = now + this.#options.maxCooldown;
    if (member.health.begin(lease, until)) this.#changed(until);
    return lease;
  }

  /** ms until somebody's answer is "yes", `Infinity` never. @internal */
  soonest(deployment: string | undefined): number {
    const now = performance.now();
    const at = Math.min(...this.#members.map((member) => member.health.yesAt(scopeAt(member, deployment))));
    return Math.max(0, at - now);
  }

  /** The attempt was answered with 2xx or 3xx. @internal */
  succeed(lease: Lease): void {
    const { health, view } = lease.member;
    view.successes++;
    const recovered = health.succeed(lease);
    // A success that came too late to prove anything leaves its place to the next all the same.
    if (this.#end(lease) || recovered) this.#refresh();
  }

  /** The attempt failed. Returns the ms for which its backend is out of use. @internal */
  fail(lease: Lease, { reason, chosen, asked, scoped }: Verdict): number {
    const { health, view } = lease.member;
    const { defaultCooldown, maxCooldown } = this.#options;
    const scope = scoped ? lease.scope : undefined;
    const named = chosen ?? asked;
    const strikes = health.fail(scope, lease.began, this.#count, named !== undefined);
    const wait = named ?? defaultCooldown * 2 ** (strikes - 1);
    const duration = Math.min(wait, maxCooldown);
    const oversized = chosen === undefined && asked! > maxCooldown;
    view.failures++;
    this.release(lease);
    const trial = !scoped && asked === undefined;
    if (duration > 0) this.#cool(lease.member, { scope, reason: oversized ? 'oversized' : reason, duration, trial });
    return duration;
  }

  /** The attempt is over, without a verdict on its backend. Returns the ms for which it is out of use: none. @internal */
  release(lease: Lease): 0 {
    if (this.#end(lease)) this.#refresh();
    return 0;
  }

  /** How many requests are waiting. @internal */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** A pause of `ms` that is over sooner when a backend comes back earlier than was known. @internal */
  pause(ms: number): { readonly over: Promise<void>; readonly end: () => void } {
    let wake!: () => void;
    const over = new Promise<void>((resolve) => (wake = resolve));
    // A timer may be a millisecond early, and who comes back too early is refused.
    const stopTimer = after(ms + 1, wake);
    this.#sleepers.add(wake);
    const end = (): void => {
      stopTimer();
      this.#sleepers.delete(wake);
    };
    return { over, end };
  }

  /** Returns whether the place of a trial is free now. */
  #end(lease: Lease): boolean {
    if (lease.ended) return false;
    lease.ended = true;
    lease.member.view.pending--;
    return lease.member.health.end(lease);
  }

  #cool(member: Member, cooldown: Cooldown): void {
    const now = performance.now();
    const moved = member.health.cool(cooldown, now);
    this.#changed(now + cooldown.duration);
    // Of one that has left meanwhile nobody would ever hear that it is back.
    if (!moved || !this.#byView.has(member.view)) return;
    const { scope, reason, duration } = cooldown;
    this.events.emit({ type: 'cooldown', backend: member.view.name, ...where(scope), reason, duration });
  }

  /** Takes notice of what has passed since the last request. */
  #advance(now: number): void {
    if (now < this.#nextChange) return;
    const recovered = this.#members.map((member) => [member, member.health.advance(now)] as const);
    this.#nextChange = Infinity;
    this.#changed(Math.min(...this.#members.map((member) => member.health.nextChange(now))));
    // Last, since a listener may send a request of its own.
    for (const [member, scopes] of recovered) this.#recovered(member, scopes);
  }

  /** Something came back earlier than was known: whoever waits looks again. */
  #refresh(): void {
    this.#nextChange = 0;
    this.#advance(performance.now());
    for (const wake of this.#sleepers) wake();
  }

  /** The available backends of the best priority; where there is none, those that may be used if nobody else can. */
  #candidates(deployment: string | undefined, tried: ReadonlySet<string>, now: number): Candidates {
    const known = tried.size === 0 ? this.#lists.get(deployment) : undefined;
    if (known !== undefined) return known;
    const best: Backend[][] = [[], [], []];
    const [yes, last] = best as [Backend[], Backend[]];
    for (const member of this.#members) {
      const { view } = member;
      if (yes.length > 0 && view.priority > yes[0]!.priority) break;
      if (tried.has(view.name)) continue;
      const same = best[member.health.answer(scopeAt(member, deployment), now)]!;
      if (same.length === 0 || same[0]!.priority === view.priority) same.push(view);
    }
    const candidates = Object.freeze(yes.length > 0 ? yes : last);
    if (tried.size > 0) return candidates;
    if (this.#lists.size >= MAX_LISTS) this.#lists.clear();
    this.#lists.set(deployment, candidates);
    return candidates;
  }

  #named(name: string): Member {
    const member = this.#members.find(({ view }) => view.name === name);
    must(
      member !== undefined,
      'name',
      `be that of a backend (${this.#backends.map((view) => view.name).join(', ')})`,
      name,
    );
    return member;
  }

  #recovered(member: Member, scopes: readonly (string | undefined)[]): void {
    for (const scope of scopes) this.events.emit({ type: 'recovered', backend: member.view.name, ...where(scope) });
  }

  /** Who is a candidate has changed, and will change again by itself at `next`. */
  #changed(next: number): void {
    this.#lists.clear();
    this.#nextChange = Math.min(this.#nextChange, next);
  }
}

function where(scope: string | undefined): { readonly scope?: string } {
  return scope === undefined ? {} : { scope };
}

function joined(known: Member | undefined, settings: BackendSettings): Member {
  const { name, baseURL, priority, weight } = settings;
  if (known === undefined) {
    const view = { name, baseURL, priority, weight, pending: 0, successes: 0, failures: 0 };
    return { view, settings, health: new Health() };
  }
  Object.assign(known.view, { baseURL, priority, weight });
  known.settings = settings;
  return known;
}

/** The name by which a member knows the caller's deployment. */
export function scopeAt({ settings }: Member, deployment: string | undefined): string | undefined {
  return settings.deployments?.get(deployment!) ?? deployment;
}
