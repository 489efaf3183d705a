import { after, now } from '../base/clock';
import type { PooledBackend } from './backend';
import type { Wanted } from './candidates';
import { Pace } from './pace';
import type { ThrottleTime } from './pace';

/** A request that waits for a backend to become available. All times are in ms on the clock of `base/clock`. */
export interface Waiter {
  /** What it needs. */
  readonly wanted: Wanted;
  /** Its number among the pool's requests: the first to wait is the first to go. */
  readonly order: number;
  /** It pauses until then, whatever becomes available. */
  readonly readyAt: number;
  /** It may wait until then. */
  readonly deadline: number;
}

/** What the waiters need to know of their pool. */
export interface WaitersPool {
  /**
   * ms until a backend becomes available; 0 if one is
   *
   * @param opensAt when a backend may be used at the earliest, even if it is available before
   */
  availableIn(wanted: Wanted, opensAt?: (backend: PooledBackend) => number): number;
  readonly throttleTime: ThrottleTime;
}

/** A waiter in its queue. */
interface Place extends Waiter {
  readonly go: () => void;
}

type Times = Pick<Waiter, 'readyAt' | 'deadline'>;

const NEVER: Times = { readyAt: Infinity, deadline: Infinity };

/** Up to this many waiters, new requests needn't queue. */
const FEW = 32;

/** The waiters that need the same, first come first served. */
export class WaitingQueue {
  /** By `order`. */
  readonly #places: Place[] = [];
  readonly #paces = new Map<PooledBackend, Pace>();
  /** The soonest times of all places. They may be too early: those of places that have left may still count. */
  #soonest: Times = NEVER;
  /** When the timer calls `run`. */
  #runsAt = Infinity;
  #stopTimer: (() => void) | undefined;

  constructor(
    private readonly pool: WaitersPool,
    readonly wanted: Wanted,
  ) {}

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  /** Whether so many wait that they would stampede. */
  get isCrowded(): boolean {
    return this.#places.length > FEW;
  }

  /** Whether a waiter is ready and a backend available. */
  isReady(): boolean {
    const time = now();
    return this.#places.some(({ readyAt }) => readyAt <= time) && this.pool.availableIn(this.wanted) === 0;
  }

  add(place: Place): void {
    let at = this.#places.length;
    while (at > 0 && this.#places[at - 1]!.order > place.order) at--;
    this.#places.splice(at, 0, place);
    this.#soonest = soonerOf(this.#soonest, place);
    this.run();
  }

  remove(place: Place): void {
    const at = this.#places.indexOf(place);
    if (at < 0) return;
    this.#places.splice(at, 1);
    if (this.isEmpty) this.#stop();
  }

  /** When the backend may be used, as far as its pace goes. */
  opensAt(backend: PooledBackend): number {
    return this.#paces.get(backend)?.opensAt ?? 0;
  }

  noteStart(backend: PooledBackend, time: number): void {
    let pace = this.#paces.get(backend);
    if (pace === undefined) this.#paces.set(backend, (pace = new Pace()));
    pace.noteStart(time, backend.throttles, this.pool.throttleTime.usual);
    this.run();
  }

  /**
   * Lets the first one go if a backend may be used, and sets the timer for the next one. The others don't wait for the
   * timer: as soon as it is known which backend the first one took, `noteStart` lets the second one go.
   */
  run(): void {
    const time = now();
    const availableAt = time + this.pool.availableIn(this.wanted);
    const opensAt = time + this.pool.availableIn(this.wanted, (backend) => this.opensAt(backend));
    const isOpen = opensAt <= time;
    const first = isOpen ? this.#places.find(({ readyAt }) => readyAt <= time) : undefined;
    if (first !== undefined) this.#letGo(first);
    // A queue may be long, so all of it is looked at only if that may change anything.
    const hasLate = isLate(this.#soonest, time, availableAt);
    if (hasLate) {
      const late = this.#places.filter((place) => isLate(place, time, availableAt));
      for (const place of late) this.#letGo(place);
    }
    if (hasLate || (isOpen && first === undefined)) this.#soonest = this.#places.reduce(soonerOf, NEVER);
    if (this.isEmpty) return;
    const { readyAt, deadline } = this.#soonest;
    this.#runAt(Math.min(Math.max(readyAt, opensAt), deadline), time);
  }

  #letGo(place: Place): void {
    this.remove(place);
    place.go();
  }

  #runAt(at: number, time: number): void {
    if (at === this.#runsAt) return;
    this.#stop();
    this.#runsAt = at;
    // If the timer fires a little early, `run` sets another one.
    this.#stopTimer = after(at - time, () => {
      this.#runsAt = Infinity;
      this.run();
    });
  }

  #stop(): void {
    this.#stopTimer?.();
    this.#runsAt = Infinity;
  }
}

/** Whether a waiter's time is over, or it can't be served in time. Once let go, it tries and gives up. */
function isLate({ deadline }: Times, time: number, availableAt: number): boolean {
  return deadline <= time || availableAt > deadline;
}

function soonerOf(one: Times, other: Times): Times {
  return { readyAt: Math.min(one.readyAt, other.readyAt), deadline: Math.min(one.deadline, other.deadline) };
}
