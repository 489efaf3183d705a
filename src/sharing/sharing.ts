import { nextEventLoopTurn, now } from '../base/clock';
import type { PooledBackend } from '../pool/backend';
import type { CooldownReason } from '../pool/reasons';
import type { Cooldown, PoolCore, SharingObserver } from '../pool/pool-core';
import { digestOf } from './digest';
import { LimitedMap } from './limited-map';
import { NEARLY, randomId, read, senderOf, subjectOf, written } from './message';
import type { CooldownMessage, Message } from './message';
import type { Listening, Transport } from './transport';

/** The options of `shareCooldowns`, every default filled in. */
export interface SharingSettings {
  readonly minDuration: number;
  readonly maxDuration: number;
  readonly reasons: readonly CooldownReason[];
  readonly onError: (error: unknown) => void;
}

/** A cooldown of this process that the others are told of. */
interface Own {
  readonly message: CooldownMessage;
  /** On this process's clock, as all times here. */
  readonly began: number;
  readonly until: number;
}

/** What is remembered of each kind at most. A fleet has a few backends with a few deployments each. */
const MAX_OWN = 500;
const MAX_KNOWN = 2_000;
const MAX_HEARD = 10_000;

/** Shares the cooldowns of one pool over one transport. */
export class Sharing implements SharingObserver {
  readonly ready: Promise<void>;
  readonly #sender = randomId();
  readonly #connection: Listening;
  /** Own cooldowns in force, by subject: told again when the transport is back. */
  readonly #own = new LimitedMap<string, Own>(MAX_OWN);
  /** Whether the latest report was of an error. */
  #isInTrouble = false;
  /** The subjects in `#own` that haven't been told yet. */
  readonly #untold = new Set<string>();
  /** When the cooldowns end that everybody knows of, by subject. */
  readonly #known = new LimitedMap<string, number>(MAX_KNOWN);
  /** The messages that were heard, by id. Each counts once, when it is first heard. */
  readonly #heard = new LimitedMap<string, true>(MAX_HEARD);
  #stopped: Promise<void> | undefined;
  #resolveStopped!: () => void;

  constructor(
    private readonly core: PoolCore,
    private readonly transport: Transport,
    private readonly settings: SharingSettings,
  ) {
    const stopped = new Promise<void>((resolve) => (this.#resolveStopped = resolve));
    this.#connection = transport.listen(
      (message, age) => this.#hear(message, age),
      (error) => this.#report(error),
    );
    core.observers.add(this);
    const heard = Promise.resolve(this.#connection.ready).catch((error: unknown) => {
      this.#report(error);
      return stopped;
    });
    this.ready = Promise.race([heard, stopped]);
  }

  restore(name: string): void {
    const backend = this.core.backends.named(name);
    this.core.restore(backend);
    const { maxDuration: ms } = this.settings;
    this.#send({ id: this.#newId(), backend: digestOf(backend.info), reason: 'restore', ms });
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.core.observers.delete(this);
    this.#tellUntold();
    this.#own.clear();
    this.#resolveStopped();
    await this.#connection.stop();
  }

  /** Called in the path of a request, so it only takes a note. */
  cooled({ info }: PooledBackend, { scope, reason, kind, duration: ms }: Cooldown): void {
    const { minDuration, reasons } = this.settings;
    if (ms < minDuration || !reasons.includes(reason)) return;
    const message = { id: this.#newId(), backend: digestOf(info), scope, reason, kind, ms };
    const subject = subjectOf(message);
    const began = now();
    const until = began + ms;
    const own = this.#own.get(subject);
    // A shorter one adds nothing: only time ends the longer one.
    if (kind === 'asked' && own !== undefined && own.until >= until) return;
    this.#own.set(subject, { message, began, until });
    if (this.#isKnown(subject, until, ms)) return;
    if (this.#untold.size === 0) void nextEventLoopTurn().then(() => this.#tellUntold());
    this.#untold.add(subject);
  }

  restored(backend: PooledBackend): void {
    this.#forget(digestOf(backend.info));
  }

  #forget(digest: string): void {
    for (const [subject, { message }] of this.#own) if (message.backend === digest) this.#own.delete(subject);
    for (const subject of this.#known.keys()) if (subject.startsWith(`${digest} `)) this.#known.delete(subject);
  }

  /** Whether the others know a cooldown that ends at nearly the same time. One that ends much later may be forged. */
  #isKnown(subject: string, until: number, ms: number): boolean {
    const known = this.#known.get(subject);
    return known !== undefined && Math.abs(known - until) <= Math.max(NEARLY.ms, NEARLY.share * ms);
  }

  #tellUntold(): void {
    const subjects = [...this.#untold];
    this.#untold.clear();
    for (const subject of subjects) this.#tell(subject);
  }

  #tell(subject: string): void {
    const own = this.#own.get(subject);
    if (own === undefined) return;
    if (!this.#isInForce(own)) this.#own.delete(subject);
    else {
      this.#known.set(subject, own.until);
      this.#send({ ...own.message, ms: own.until - now() });
    }
  }

  /** A success may have ended it early. The pool's own deadline is set in the same turn, but not in the same instant. */
  #isInForce({ message, until }: Own): boolean {
    const backend = this.#backendOf(message);
    return until > now() && backend !== undefined && backend.availableAt(message.scope, now()) >= until - NEARLY.ms;
  }

  #backendOf({ backend }: Message): PooledBackend | undefined {
    return this.core.backends.byPriority.find(({ info }) => digestOf(info) === backend);
  }

  #send(message: Message): void {
    const text = this.#stopped === undefined ? written(message) : undefined;
    if (text !== undefined)
      guarded(
        () => this.transport.send(text),
        (error) => this.#report(error),
      );
  }

  #report(error: unknown): void {
    if (this.#stopped !== undefined) return;
    // The others may have missed what was told in the meantime.
    if (error === undefined) for (const subject of [...this.#own.keys()]) this.#tell(subject);
    // The first connection is no recovery.
    if (error === undefined && !this.#isInTrouble) return;
    this.#isInTrouble = error !== undefined;
    const failed = (thrown: unknown) => console.error('axios-priority-adapter: onError threw', thrown);
    guarded(() => this.settings.onError(error), failed);
  }

  #hear(text: string, age: unknown = 0): void {
    const message = this.#stopped === undefined ? read(text) : undefined;
    if (message === undefined || senderOf(message) === this.#sender) return;
    const backend = this.#backendOf(message);
    if (backend === undefined) return;
    const time = now();
    const told = time - (typeof age === 'number' && age > 0 ? age : 0);
    const isNew = !this.#heard.has(message.id);
    // Set again, so that what is still remembered elsewhere isn't forgotten here.
    this.#heard.set(message.id, true);
    const isTooOld = told < backend.restoredAt;
    if (!isNew || isTooOld) return;
    if (message.reason === 'restore') this.#hearRestore(backend, told);
    else this.#learn(backend, message, told);
  }

  #hearRestore(backend: PooledBackend, told: number): void {
    const digest = digestOf(backend.info);
    // A restore doesn't apply to what this process has seen since.
    const isOutdated = [...this.#own.values()].some(({ message, began }) => message.backend === digest && began > told);
    if (!isOutdated) this.core.restore(backend);
    backend.restoredAt = told;
  }

  #learn(backend: PooledBackend, message: CooldownMessage, told: number): void {
    const { maxDuration, reasons } = this.settings;
    const { scope, reason, kind, ms } = message;
    const time = now();
    const until = Math.min(told + ms, time + maxDuration);
    const isOver = until <= time;
    if (isOver || !reasons.includes(reason)) return;
    this.#known.set(subjectOf(message), until);
    this.core.learn(backend, { scope, reason, kind, duration: until - time });
  }

  #newId(): string {
    return `${this.#sender}.${randomId()}`;
  }
}

/** Calls a function of the user's, which may throw, or return a promise that rejects. */
function guarded(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const returned = call();
    if (returned instanceof Promise) returned.catch(failed);
  } catch (error) {
    failed(error);
  }
}
