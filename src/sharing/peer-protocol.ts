import { ageOf, machineTime } from './machine-clock';
import { Memory, remembered } from './memory';
import type { Remembered } from './memory';

/** What peers without a server in between say to each other. */
interface Envelope {
  readonly axiosPriorityAdapter: Says;
}

/**
 * - `ask`: what is in force? A late starter says it
 * - `tell`: a message, new now
 * - `answer`: what is in force
 *
 * `at` is the machine's time, where it has one.
 */
type Says =
  | { readonly what: 'ask' }
  | { readonly what: 'tell'; readonly text: string; readonly at: number | undefined }
  | { readonly what: 'answer'; readonly all: readonly Remembered[]; readonly at: number | undefined };

/** What came in: messages that were not known, and whether it was a question or an answer. */
interface Heard {
  readonly what: Says['what'] | undefined;
  readonly fresh: readonly Remembered[];
}

/** The conversation of one peer: remembers what is in force, and reads what others say. */
export class PeerProtocol {
  readonly #memory = new Memory();

  readonly ask: Envelope = { axiosPriorityAdapter: { what: 'ask' } };

  tell(text: string): Envelope {
    this.#memory.addOwn(text);
    return { axiosPriorityAdapter: { what: 'tell', text, at: machineTime() } };
  }

  answer(all: readonly Remembered[] = this.#memory.list()): Envelope {
    return { axiosPriorityAdapter: { what: 'answer', all, at: machineTime() } };
  }

  /** Everything in force, for a listener that begins later. */
  list(): readonly Remembered[] {
    return this.#memory.list();
  }

  hear(envelope: unknown): Heard {
    const says = fields(fields(envelope).axiosPriorityAdapter);
    const { what } = says;
    if (what !== 'ask' && what !== 'tell' && what !== 'answer') return { what: undefined, fresh: [] };
    const delay = ageOf(says.at);
    const all = remembered(what === 'tell' ? [[says.text, 0]] : says.all);
    const fresh = all.map(([text, age]) => [text, age + delay] as const);
    return { what, fresh: fresh.filter(([text, age]) => this.#memory.add(text, age)) };
  }
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
