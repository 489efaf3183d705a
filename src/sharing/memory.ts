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

/** Messages that are remembered at most. */
const MAX_ENTRIES = 1_000;

/** The messages that are in force, for processes that start late. Of each sender, the latest about each subject. */
export class Memory {
  readonly #entries = new LimitedMap<string, Entry>(MAX_ENTRIES);

  /** Returns whether the message is one and was not known. */
  add(text: unknown, age = 0): boolean {
    const message = read(text);
    if (message === undefined) return false;
    const told = now() - age;
    const key = `${senderOf(message)} ${subjectOf(message)}`;
    const known = this.#entries.get(key);
    if (known?.text === text) return false;
    // A delayed message may be outdated.
    if (known !== undefined && known.told > told) return false;
    this.#entries.set(key, { message, text: text as string, told });
    if (message.reason === 'restore') this.#forgetCooldownsBefore(message.backend, told);
    return true;
  }

  /** What is in force now, oldest first. */
  list(): Remembered[] {
    const time = now();
    for (const [key, { message, told }] of this.#entries) if (told + message.ms <= time) this.#entries.delete(key);
    return [...this.#entries.values()]
      .sort((one, other) => one.told - other.told)
      .map(({ text, told }) => [text, time - told]);
  }

  /** Forgets the cooldowns of a backend that were told before it was restored. */
  #forgetCooldownsBefore(backend: string, restored: number): void {
    for (const [key, { message, told }] of this.#entries) {
      if (message.backend === backend && message.reason !== 'restore' && told <= restored) this.#entries.delete(key);
    }
  }
}

/** Reads what another process remembers, whoever wrote it. */
export function remembered(value: unknown): Remembered[] {
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).slice(0, MAX_ENTRIES).flatMap((entry) => {
    const [text, age] = Array.isArray(entry) ? (entry as unknown[]) : [];
    return typeof text === 'string' && typeof age === 'number' && age >= 0 ? [[text, age] as const] : [];
  });
}
