import { now } from '../base/clock';
import type { RequestConfig } from '../http/messages';
import { NO_NAMES, serving } from '../pool/candidates';
import type { Wanted } from '../pool/candidates';
import type { InFlight, PoolCore } from '../pool/pool-core';
import { Backoff } from './backoff';

/** What a request does now. */
type Turn =
  | { readonly is: 'attempt'; readonly inFlight: InFlight }
  /** Read the body, since a backend can be tried. Then ask again: much can change meanwhile. */
  | { readonly is: 'read body' }
  /**
   * Wait until `whenOver` resolves, after about `pause` ms. Then call `endWait`: it leaves the queue, and the next round of
   * the request begins.
   */
  | { readonly is: 'wait'; readonly pause: number; readonly whenOver: Promise<void>; readonly endWait: () => void }
  | Exhausted
  | NoDeployment;

/** No backend is available in time: the request gets the fabricated 429. */
export interface Exhausted {
  readonly is: 'exhausted';
  /** ms until a backend becomes available. */
  readonly retryAfter: number;
  /** The backends that could serve the request, in the order given, and why each is out. */
  readonly backends: readonly Out[];
}

/** A backend that isn't used. */
interface Out {
  readonly name: string;
  /** Why it is on cooldown, in words. `undefined`: it isn't, but the request has tried it. */
  readonly because: string | undefined;
}

/** No backend that the request may go to has the deployment: it gets the fabricated 404. */
export interface NoDeployment {
  readonly is: 'no deployment';
  /** The name of the only one that it may go to. */
  readonly pinned: string | undefined;
  /** The caller's name for it. */
  readonly deployment: string;
}

/**
 * Decides whether a request may try a backend now, waits (`maxWait`), or gets the fabricated response. Its waits divide it
 * into rounds.
 */
export class Turns {
  #hasTried = false;
  /** Names of the backends tried in this round. */
  #tried: ReadonlySet<string> = NO_NAMES;
  /** Names of the backends whose answer would be the same after a wait. */
  #finalNames: ReadonlySet<string> = NO_NAMES;
  /** Whether the latest answer would be the same. Then the request waits only for backends that it hasn't tried. */
  #isLastFinal = false;
  /** Whether this round has asked for its one attempt at a backend that is out because of a guess. */
  #hasAskedLastResort = false;
  readonly #backoff = new Backoff();
  /** ms spent waiting */
  #waited = 0;
  /** Its place among the requests that wait, once it has waited. */
  #order: number | undefined;

  /** @param maxWait ms that the request may wait in all */
  constructor(
    private readonly pool: PoolCore,
    private readonly config: RequestConfig,
    private readonly maxWait: number,
    private readonly pinned: string | undefined,
  ) {}

  /**
   * Begins an attempt in the pool or a wait in the queue, or says what the request does instead.
   *
   * @param deployment the caller's name for it
   * @param remaining ms until the caller's `timeout` passes
   * @param isUnread whether the body has to be read before an attempt
   * @throws TypeError if the selector returned none of the candidates, or if the request is pinned to a backend that has
   * left the pool
   */
  take(deployment: string | undefined, remaining: number, isUnread: boolean): Turn {
    const wanted = { deployment, pinned: this.pinned, final: this.#final };
    if (serving(this.pool.backends, wanted).length === 0) return this.#noDeployment(wanted);
    if (isUnread && this.#canAttempt(wanted)) return { is: 'read body' };
    const room = Math.min(this.maxWait - this.#waited, remaining);
    const inFlight = isUnread ? undefined : this.#beginUnlessQueued(wanted, room);
    if (inFlight !== undefined) return { is: 'attempt', inFlight };
    const time = now();
    const availableIn = this.pool.availableIn(wanted);
    const pause = this.#pauseFor(wanted, time);
    // A request without a pause of its own may go as soon as the queue lets it.
    const readyAt = pause > availableIn ? time + pause : time;
    if (this.maxWait > 0 && pause <= room) return this.#wait(wanted, { pause, readyAt, deadline: time + room });
    return this.#exhausted(wanted, availableIn);
  }

  /** The answer to a request that may neither try a backend nor wait again. */
  end(deployment: string | undefined): Exhausted | NoDeployment {
    const wanted = { deployment, pinned: this.pinned, final: this.#final };
    return serving(this.pool.backends, wanted).length === 0
      ? this.#noDeployment(wanted)
      : this.#exhausted(wanted, this.pool.availableIn(wanted));
  }

  /** @param availableIn ms until a backend becomes available that the request may still try */
  #exhausted(wanted: Wanted, availableIn: number): Exhausted {
    // Infinity: a retry would change no backend's answer. Then report when a new request could be served.
    const retryAfter = availableIn === Infinity ? this.pool.availableIn({ ...wanted, final: NO_NAMES }) : availableIn;
    return { is: 'exhausted', retryAfter, backends: this.#out(wanted) };
  }

  get #hasWaited(): boolean {
    return this.#order !== undefined;
  }

  /** Names of the backends that aren't tried again after a wait. After an answer about the request, all that it tried. */
  get #final(): ReadonlySet<string> {
    return this.#isLastFinal ? this.#tried : this.#finalNames;
  }

  #noDeployment({ deployment, pinned }: Wanted): NoDeployment {
    // Throws if the backend isn't in the pool. (One that has left it after an attempt leaves that attempt's answer.)
    if (pinned !== undefined && !this.#hasTried) this.pool.backends.named(pinned);
    return { is: 'no deployment', pinned, deployment: deployment! };
  }

  #out(wanted: Wanted): readonly Out[] {
    const time = now();
    const { backends } = this.pool;
    const able = new Set(serving(backends, wanted));
    return backends.infos
      .map((info) => backends.find(info)!)
      .filter((backend) => able.has(backend))
      .map((backend) => ({
        name: backend.info.name,
        because: backend.outBecause(backend.scopeOf(wanted.deployment), time),
      }));
  }

  /** Whether there is a backend to try now. */
  #canAttempt(wanted: Wanted): boolean {
    const has = this.pool.hasBackend(wanted, this.#tried);
    return has === 'yes' || (has === 'last resort' && !this.#hasAskedLastResort);
  }

  /**
   * This backend has failed, or had no free socket, so another one is tried next.
   *
   * @param isFinal whether it would answer the same after a wait
   */
  noteTried({ backend }: InFlight, isFinal: boolean): void {
    const { name } = backend.info;
    this.#hasTried = true;
    this.#tried = new Set(this.#tried).add(name);
    if (isFinal) this.#finalNames = new Set(this.#finalNames).add(name);
    this.#isLastFinal = isFinal;
    if (this.maxWait > 0) this.#backoff.noteFailed(backend);
  }

  /** Begins an attempt, unless the backends are for requests that wait already. `room` is in ms. */
  #beginUnlessQueued(wanted: Wanted, room: number): InFlight | undefined {
    const { waiters } = this.pool;
    // A request that has waited keeps to the pace of the others. Where many wait, a new one does too, and queues up.
    const isPaced =
      this.maxWait > 0 &&
      (this.#hasWaited ? waiters.hasAny(wanted) : waiters.isCrowded(wanted)) &&
      this.#pauseFor(wanted, now()) <= room;
    const isBehind = isPaced && !this.#hasWaited && this.#tried.size === 0 && waiters.hasReady(wanted);
    return isBehind ? undefined : this.#begin(wanted, isPaced);
  }

  #begin(wanted: Wanted, isPaced: boolean): InFlight | undefined {
    const inFlight = this.pool.begin(wanted, this.#tried, this.config, isPaced);
    if (inFlight !== undefined || this.#hasAskedLastResort) return inFlight;
    // A backend is available, but the queue makes the request wait. So its last-resort attempt isn't used up.
    if (isPaced && this.pool.hasBackend(wanted, this.#tried) === 'yes') return undefined;
    this.#hasAskedLastResort = true;
    return this.pool.beginLastResort(wanted, this.#tried);
  }

  /**
   * ms until a backend is available that may answer differently, or until the request's own pause is over, if that is
   * later: so that short waits don't become a hot loop.
   */
  #pauseFor(wanted: Wanted, time: number): number {
    return this.pool.availableIn(wanted, (backend) => time + this.#backoff.of(backend, this.#hasWaited));
  }

  #wait(wanted: Wanted, { pause, readyAt, deadline }: { pause: number; readyAt: number; deadline: number }): Turn {
    const { waiters } = this.pool;
    const started = now();
    this.#order ??= waiters.nextOrder();
    const wait = waiters.wait({ wanted, order: this.#order, readyAt, deadline });
    const endWait = (): void => {
      wait.end();
      this.#waited += now() - started;
      this.#tried = this.#final;
      this.#hasAskedLastResort = false;
    };
    return { is: 'wait', pause, whenOver: wait.whenOver, endWait };
  }
}
