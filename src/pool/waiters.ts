import { after, now } from '../base/clock';

/** A request that waits for a backend to become available. All times are in ms on the pool's clock. */
export interface Waiter {
  /** The deployment that it needs, by the caller's name. */
  readonly deployment: string | undefined;
  /** Its number among the pool's requests: the first to wait is the first to go. */
  readonly order: number;
  /** It pauses until then, whatever becomes available. */
  readonly readyAt: number;
  /** It may wait until then. */
  readonly deadline: number;
}

/** A wait under way. */
export interface Wait {
  /** Resolves when the request may try again: a backend is available, or none will be in time. */
  readonly over: Promise<void>;
  /** Leaves the queue. A second call does nothing. */
  readonly end: () => void;
}

/** What the waiters need to know of their pool. */
export interface WaitersPool {
  /** ms until a backend becomes available; 0 if one is */
  availableIn(deployment: string | undefined): number;
  /** How many calls backends have refused so far. */
  readonly refusals: number;
  /** ms that a refused call usually takes */
  readonly refusalTime: number;
}

/**
 * The requests that wait for a backend to become available, in one queue for each deployment. If all of them went at once,
 * most would be refused, and refused calls count towards the quota. So they go in batches, in the order of their requests.
 */
export class Waiters {
  readonly #queues = new Map<string | undefined, Queue>();
  #orders = 0;

  constructor(private readonly pool: WaitersPool) {}

  /** The number of a request that waits for the first time. */
  nextOrder(): number {
    return ++this.#orders;
  }

  wait(waiter: Waiter): Wait {
    const { deployment } = waiter;
    let queue = this.#queues.get(deployment);
    if (queue === undefined) this.#queues.set(deployment, (queue = new Queue(this.pool, deployment)));
    let go!: () => void;
    const over = new Promise<void>((resolve) => (go = resolve));
    const place = { ...waiter, go };
    queue.add(place);
    const end = (): void => {
      queue.remove(place);
      if (queue.isEmpty && this.#queues.get(deployment) === queue) this.#queues.delete(deployment);
    };
    return { over, end };
  }

  /** Something became available earlier than expected. */
  wake(): void {
    for (const queue of [...this.#queues.values()]) queue.run();
  }
}

/** A waiter in its queue. */
interface Place extends Waiter {
  readonly go: () => void;
}

/** What a batch grows by if none of the last one was refused, and shrinks to if one was. */
const GROWTH = 1.5;
const SHRINKAGE = 0.5;

/** The waiters of one deployment, first come first served. */
class Queue {
  /** By `order`. */
  readonly #places: Place[] = [];
  #stopTimer: (() => void) | undefined;
  /** How many may go at once. */
  #size = 1;
  /** When the next batch may go: once it is known whether the last one was refused. */
  #opensAt = 0;
  /** The pool's refusals when the last batch went. */
  #refusals: number;

  constructor(
    private readonly pool: WaitersPool,
    private readonly deployment: string | undefined,
  ) {
    this.#refusals = pool.refusals;
  }

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  add(place: Place): void {
    let at = this.#places.length;
    while (at > 0 && this.#places[at - 1]!.order > place.order) at--;
    this.#places.splice(at, 0, place);
    this.run();
  }

  remove(place: Place): void {
    const at = this.#places.indexOf(place);
    if (at < 0) return;
    this.#places.splice(at, 1);
    if (this.isEmpty) this.#stopTimer?.();
  }

  /** Lets those go who may, and sets the timer for the next ones. */
  run(): void {
    const time = now();
    const availableAt = time + this.pool.availableIn(this.deployment);
    const isReady = (place: Place): boolean => Math.max(place.readyAt, availableAt, this.#opensAt) <= time;
    const batch = this.#places.some(isReady) ? this.#places.filter(isReady).slice(0, this.#nextSize(time)) : [];
    // One whose time is over, or who can't be served in time, finds that out by trying.
    const late = this.#places.filter(({ deadline }) => deadline <= time || availableAt > deadline);
    for (const place of new Set([...batch, ...late])) {
      this.remove(place);
      place.go();
    }
    const next = this.#places.map(({ readyAt, deadline }) =>
      Math.min(Math.max(readyAt, availableAt, this.#opensAt), deadline),
    );
    this.#stopTimer?.();
    // A timer may fire a millisecond early, and then the backend would still be on cooldown.
    if (next.length > 0) this.#stopTimer = after(Math.min(...next) - time + 1, () => this.run());
  }

  /** The size of the batch that goes now. */
  #nextSize(time: number): number {
    const { refusals, refusalTime } = this.pool;
    this.#size = Math.max(1, this.#size * (refusals > this.#refusals ? SHRINKAGE : GROWTH));
    this.#refusals = refusals;
    this.#opensAt = time + refusalTime;
    return Math.floor(this.#size);
  }
}
