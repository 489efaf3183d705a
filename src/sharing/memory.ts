import { now } from '../base/clock';
import { LimitedMap } from './limited-map';
import { read, senderOf, subjectOf } from './message';
import type { Message } from './message';

/** A message and its age in ms. */
export type Remembered = readonly [text: string, age: number];

interface Entry {
  readonly message: Message;
  readonly text: string;
  /** On this process's clock. */
  readonly told: number;
}

/** Messages that are remembered at most: of this process, and of others. */
const MAX_OWN = 500;
const MAX_HEARD = 1_000;

/** The messages that are in force, for processes that start late. Of each sender, the latest about each subject. */
export class Memory {
  /** Apart, so that no flood of others displaces them. */
  readonly #own = new LimitedMap<string, Entry>(MAX_OWN);
  readonly #heard = new LimitedMap<string, Entry>(MAX_HEARD);

  /** Adds a message of this process. */
  addOwn(text: string): void {
    this.#add(this.#own, text, 0);
  }

  /** Adds a message of another process. Returns whether it is one and was not known. */
  add(text: unknown, age = 0): boolean {
    return this.#add(this.#heard, text, age);
  }

  #add(entries: LimitedMap<string, Entry>, text: unknown, age: number): boolean {
    const message = read(text);
    if (message === undefined) return false;
    const told = now() - age;
    const key = `${senderOf(message)} ${subjectOf(message)}`;
    const known = this.#own.get(key) ?? this.#heard.get(key);
    if (known?.text === text) return false;
    // A delayed message may be outdated.
    if (known !== undefined && known.told > told) return false;
    entries.set(key, { message, text: text as string, told });
    if (message.reason === 'restore') this.#forgetCooldownsBefore(message.backend, told);
    return true;
  }

  /** What is in force now, oldest first. */
  list(): Remembered[] {
    const time = now();
    this.#forget(({ message, told }) => told + message.ms <= time);
    return [...this.#own.values(), ...this.#heard.values()]
      .sort((one, other) => one.told - other.told)
      .map(({ text, told }) => [text, time - told]);
  }

  /** Forgets the cooldowns of a backend that were told before it was restored. */
  #forgetCooldownsBefore(backend: string, restored: number): void {
    this.#forget(
      ({ message, told }) => message.backend === backend && message.reason !== 'restore' && told <= restored,
    );
  }

  #forget(isOutdated: (entry: Entry) => boolean): void {
    for (const entries of [this.#own, this.#heard])
      for (const [key, entry] of entries) if (isOutdated(entry)) entries.delete(key);
  }
}

/** Reads what another process remembers, whoever wrote it. */
export function remembered(value: unknown): Remembered[] {
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).slice(0, MAX_OWN + MAX_HEARD).flatMap((entry) => {
    const [text, age] = Array.isArray(entry) ? (entry as unknown[]) : [];
    return typeof text === 'string' && typeof age === 'number' && age >= 0 ? [[text, age] as const] : [];
  });
}
