import { after, now } from '../base/clock';
import { Listeners } from './listeners';
import { read, subjectOf } from './message';
import { RedisClock } from './redis-clock';
import type { RedisCommands } from './redis-commands';
import type { Listening, Transport } from './transport';

/** Commands under way at most. While Redis hangs, the client would keep all others. */
const MAX_UNDER_WAY = 1_000;
/** ms between two loads: pub/sub may lose a message, and forgets what it has sent. */
const LOAD_EVERY = 30_000;
/** ms until the next try while the latest load failed or the subscription is away. */
const RETRY_AFTER = 1_000;

/** Tells over the user's client, and listens over a copy of it. */
export class RedisConnection implements Transport {
  readonly #listeners = new Listeners();
  readonly #clock = new RedisClock();
  #underWay = 0;
  /** Something couldn't be sent, so it has to be told again as soon as that is possible. */
  #missed = false;
  /** A command failed, or a connection was lost or is new. It has to be told again after a load. */
  #failed = false;
  /** The server refused to be written. That it can be read doesn't mean that this is over. */
  #isRefused = false;
  /** Counts the subscriptions. `undefined`: it is away. */
  #subscription: number | undefined;
  #subscriptions = 0;
  #loads = 0;
  /** Those that wait for a load that began after them. */
  readonly #newcomers = new Set<{ readonly since: number; readonly resolve: () => void }>();
  #endings: (() => void)[] = [];
  #cancelTimer: () => void = () => undefined;

  constructor(private readonly commands: RedisCommands) {}

  send(text: string): void {
    const message = read(text);
    if (message === undefined) return;
    if (!this.commands.isReady() || this.#underWay >= MAX_UNDER_WAY) {
      this.#missed = true;
      return;
    }
    this.#underWay++;
    const { ms, backend, reason } = message;
    this.commands.tell([subjectOf(message), String(Math.ceil(ms)), text, backend, reason]).then(
      () => this.#told(),
      (error: unknown) => {
        this.#underWay--;
        this.#isRefused ||= isRefusal(error);
        this.#fail(error);
      },
    );
  }

  listen(...[hear, report]: Parameters<Transport['listen']>): Listening {
    const end = this.#listeners.add(hear, report);
    let resolve!: () => void;
    const ready = new Promise<void>((resolved) => (resolve = resolved));
    const newcomer = { since: now(), resolve };
    this.#newcomers.add(newcomer);
    if (this.#listeners.size === 1) this.#begin();
    else this.#load();
    const stop = (): Promise<void> => {
      end();
      this.#newcomers.delete(newcomer);
      if (this.#listeners.size === 0) this.#end();
      return Promise.resolve();
    };
    return { ready, stop };
  }

  #begin(): void {
    this.#endings = [this.commands.onReady(() => this.#connected()), this.#subscribe()];
    this.#schedule();
  }

  #end(): void {
    this.#cancelTimer();
    this.#subscription = undefined;
    for (const end of this.#endings.splice(0)) end();
  }

  #subscribe(): () => void {
    let isOpen = true;
    const close = this.commands.subscribe({
      subscribed: () => {
        // The connection may have been closed while it was being made.
        if (!isOpen) close();
        else {
          this.#subscription = ++this.#subscriptions;
          this.#connected();
        }
      },
      message: (text) => isOpen && this.#hear(text),
      error: (error) => isOpen && this.#fail(error),
      lost: () => {
        if (!isOpen) return;
        this.#subscription = undefined;
        this.#noteTrouble();
      },
      ended: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#subscription = undefined;
        const cancel = after(RETRY_AFTER, () => (this.#endings[1] = this.#subscribe()));
        this.#endings[1] = cancel;
      },
    });
    return () => {
      isOpen = false;
      close();
    };
  }

  /** What was told while a connection was away may be lost, on both sides. */
  #connected(): void {
    this.#noteTrouble();
    this.#load();
  }

  /** It has to be told again after a load, which is tried every second until it succeeds. */
  #noteTrouble(): void {
    if (this.#failed) return;
    this.#failed = true;
    if (this.#listeners.size === 0) return;
    this.#cancelTimer();
    this.#schedule();
  }

  #schedule(): void {
    const delay = this.#failed || this.#subscription === undefined ? RETRY_AFTER : LOAD_EVERY;
    this.#cancelTimer = after(delay, () => {
      if (this.#loads === 0) this.#load();
      this.#schedule();
    });
  }

  /** Also while the subscription is away, since then nothing else tells what is in force. */
  #load(): void {
    if (!this.commands.isReady()) return;
    const began = now();
    const subscription = this.#subscription;
    this.#loads++;
    this.commands.load().then(
      (reply) => {
        this.#loads--;
        this.#loaded(reply, began, subscription);
      },
      (error: unknown) => {
        this.#loads--;
        this.#fail(error);
      },
    );
  }

  #loaded(reply: unknown, began: number, subscription: number | undefined): void {
    const [time, ...values] = (reply as unknown[]).map(String);
    this.#clock.learn(Number(time), began);
    // Oldest first, so that a restore ends what was told before it.
    for (const value of values.sort()) this.#hear(value);
    // Otherwise, what was told since the load may have been missed.
    if (subscription === undefined || subscription !== this.#subscription) return;
    for (const newcomer of [...this.#newcomers]) {
      if (newcomer.since > began) continue;
      newcomer.resolve();
      this.#newcomers.delete(newcomer);
    }
    const wasDown = this.#failed || this.#missed;
    this.#failed = this.#missed = false;
    if (this.#isRefused) this.#tryToWrite();
    else if (wasDown) this.#listeners.report(undefined);
  }

  #tryToWrite(): void {
    this.commands.probe().then(
      () => {
        this.#isRefused = false;
        this.#listeners.report(undefined);
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #hear(value: string): void {
    const [, stamp, text] = /^(\d{1,15}) (.*)$/s.exec(value) ?? [];
    const age = this.#clock.ageOf(Number(stamp));
    if (text !== undefined && age !== undefined) this.#listeners.hear(text, age);
  }

  #told(): void {
    if (--this.#underWay > 0 || !this.#missed || this.#failed) return;
    this.#missed = false;
    this.#listeners.report(undefined);
  }

  #fail(error: unknown): void {
    this.#noteTrouble();
    this.#listeners.report(error);
  }
}

/** Whether a command got an answer from the server: its errors begin with a word in capitals (`OOM`, `READONLY`). */
function isRefusal(error: unknown): boolean {
  return /^[A-Z]{2,} /.test(String((Object(error) as { message?: unknown }).message));
}
