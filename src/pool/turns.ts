import { now } from '../base/clock';
import type { RequestConfig } from '../http/messages';
import type { InFlight, PoolCore } from './pool-core';

/** What a request does next. */
export type Turn =
  | { readonly is: 'attempt'; readonly inFlight: InFlight }
  /** Wait until `over` resolves; then call `end`. */
  | { readonly is: 'wait'; readonly over: Promise<void>; readonly end: () => void }
  /** No backend is available in time. */
  | Exhausted;

/** Why a request gets the fabricated 429. */
export interface Exhausted {
  readonly is: 'none';
  /** ms until a backend becomes available. */
  readonly retryAfter: number;
  /** How many backends the pool has. */
  readonly backends: number;
}

/** Random jitter of a wait, in ms: at most this much for each waiting request, and at most this much in all. */
const JITTER_PER_WAITER = 5;
const MAX_JITTER = 250;

/** ms between rounds of a request when backends refuse without asking for a wait: refused calls count towards the quota. */
const MIN_PAUSE = 10;

const NOTHING_TRIED: ReadonlySet<string> = new Set();

/** The turns of one request: whether it tries a backend next, waits, or gives up. */
export class Turns {
  /** Names of the backends tried since the last wait. */
  #tried: ReadonlySet<string> = NOTHING_TRIED;
  /** ms spent waiting */
  #waited = 0;

  /**
   * @param deployment the caller's name for it
   * @param maxWait ms that the request may wait in all
   */
  constructor(
    private readonly pool: PoolCore,
    private readonly config: RequestConfig,
    private readonly deployment: string | undefined,
    private readonly maxWait: number,
  ) {}

  /**
   * @param remaining ms until the caller's `timeout` passes
   * @throws TypeError if the selector returned none of the candidates
   */
  next(remaining: number): Turn {
    const { pool } = this;
    const inFlight = pool.begin(this.deployment, this.#tried, this.config);
    if (inFlight !== undefined) return { is: 'attempt', inFlight };
    const retryAfter = pool.availableIn(this.deployment);
    const pause = retryAfter > 0 ? retryAfter : MIN_PAUSE;
    const room = Math.min(this.maxWait - this.#waited, remaining);
    if (pause <= room) return this.#wait(pause, room);
    pool.events.emit({ type: 'exhausted', retryAfter });
    return { is: 'none', retryAfter, backends: pool.backends.infos.length };
  }

  /** This backend has failed, so another one is tried next. */
  tried({ backend }: InFlight): void {
    this.#tried = new Set(this.#tried).add(backend.info.name);
  }

  #wait(pause: number, room: number): Turn {
    const { events, waiters } = this.pool;
    // The more requests wait, the further apart they return. If the first is refused, the others needn't call.
    const jitter = Math.min(waiters.count * JITTER_PER_WAITER, MAX_JITTER, (room - pause) / 2);
    const duration = pause + Math.random() * jitter;
    const started = now();
    events.emit({ type: 'waiting', duration });
    const { over, end } = waiters.wait(duration);
    const ended = (): void => {
      end();
      this.#waited += now() - started;
      this.#tried = NOTHING_TRIED;
    };
    return { is: 'wait', over, end: ended };
  }
}
