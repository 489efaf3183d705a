import { must, resolveOptions } from '../base/check';
import type { Check, Checks } from '../base/check';
import { PeerProtocol } from './peer-protocol';
import { Listeners } from './listeners';
import { FirstAnswer } from './first-answer';
import { parentProcess, childrenOf, clusterWorkers } from './peers';
import type { ChildProcessLike, Family, Peer } from './peers';
import type { Listening, Transport } from './transport';

export type { ChildProcessLike } from './peers';

/** Options of {@link processTransport}. */
export interface ProcessTransportOptions {
  /** The processes that this one forked. Workers of `node:cluster` are known without it. Default: none */
  readonly children?: readonly ChildProcessLike[] | undefined;
}

const checkChildren: Check<readonly ChildProcessLike[]> = (value, place) => {
  if (value === undefined) return [];
  must(Array.isArray(value), place, 'be an array of child processes', value);
  for (const [i, child] of value.entries()) {
    const { send, on } = Object(child) as Partial<ChildProcessLike>;
    must(
      typeof send === 'function' && typeof on === 'function',
      `${place}[${String(i)}]`,
      'be a forked process',
      child,
    );
  }
  return value as ChildProcessLike[];
};

const CHECKS: Checks<{ children: readonly ChildProcessLike[] }> = { children: checkChildren };

/**
 * Shares over the IPC of Node's processes. In a worker of `node:cluster` or a forked child, it talks to the parent. In
 * the parent, calling it is enough: it relays between all workers and the given children, and remembers for late
 * starters. There it can also be given to `shareCooldowns`.
 *
 * @param options of the parent
 * @throws TypeError that names the place and the value
 */
export function processTransport(options: ProcessTransportOptions = {}): Transport {
  const { children } = resolveOptions(options, 'options', CHECKS);
  const families = [clusterWorkers(), childrenOf(children)].filter((family) => family !== undefined);
  return new ProcessTransport(parentProcess(), families);
}

/** A node in the tree of processes: what comes in from one side goes out to all others. */
class ProcessTransport implements Transport {
  readonly #protocol = new PeerProtocol();
  readonly #listeners = new Listeners();
  readonly #families: readonly Family[];
  readonly #endings: (() => void)[] = [];
  /** For the parent's answer. A parent that doesn't share, such as a process manager, gives none. */
  #firstAnswer: FirstAnswer | undefined;

  constructor(
    private readonly parent: Family | undefined,
    children: readonly Family[],
  ) {
    this.#families = [...(parent === undefined ? [] : [parent]), ...children];
    // The parent relays from now on. A process without children waits for a listener.
    if (children.length > 0) this.#begin();
  }

  send(message: string): void {
    this.#listeners.hear(message);
    this.#sendAll(this.#protocol.tell(message), undefined);
  }

  listen(...[hear, report]: Parameters<Transport['listen']>): Listening {
    const end = this.#listeners.add(hear, report);
    if (this.#endings.length === 0) this.#begin();
    for (const [text, age] of this.#protocol.list()) hear(text, age);
    const stop = (): Promise<void> => {
      end();
      if (this.#listeners.size === 0) this.#end();
      return Promise.resolve();
    };
    return { ready: this.#firstAnswer?.over ?? Promise.resolve(), stop };
  }

  #begin(): void {
    if (this.parent !== undefined) this.#firstAnswer = new FirstAnswer();
    for (const family of this.#families) this.#endings.push(family.listen(this.#hear, this.#caughtUp));
    this.#sendAll(this.#protocol.ask, undefined);
  }

  #end(): void {
    this.#firstAnswer?.end();
    for (const end of this.#endings.splice(0)) end();
  }

  readonly #hear = (from: Peer, envelope: unknown): void => {
    const { what, fresh } = this.#protocol.hear(envelope);
    for (const [text, age] of fresh) this.#listeners.hear(text, age);
    if (what === 'ask') from.send(this.#protocol.answer());
    if (fresh.length > 0) this.#sendAll(this.#protocol.answer(fresh), from);
    if (what === 'answer') this.#firstAnswer?.end();
  };

  /** It couldn't be told everything for a while: it was stopped, or too slow. */
  readonly #caughtUp = (peer: Peer): void => {
    peer.send(this.#protocol.answer());
  };

  #sendAll(envelope: object, except: Peer | undefined): void {
    for (const family of this.#families) {
      for (const peer of family.peers()) if (!peer.is(except)) peer.send(envelope);
    }
  }
}
