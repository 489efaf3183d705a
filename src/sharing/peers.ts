type OnMessage = (message: unknown) => void;

/** What `processTransport` needs of a process at the other end of an IPC channel. A `ChildProcess` has it. */
export interface ChildProcessLike {
  /**
   * Sends it a message.
   *
   * @param message of any form that JSON can express
   * @param callback called when it has been sent, or with the error
   */
  send?(message: object, callback: (error: Error | null) => void): boolean;
  /** Whether the channel is open. */
  readonly connected: boolean;
  /**
   * Adds a listener.
   *
   * @param event its name
   * @param listener called with each message
   */
  on(event: 'message', listener: (message: unknown) => void): unknown;
  /**
   * Removes a listener.
   *
   * @param event its name
   * @param listener the one that was added
   */
  removeListener(event: 'message', listener: (message: unknown) => void): unknown;
}

/** Processes that messages come from and go to. Which ones there are may change. */
export interface Family {
  peers(): readonly Peer[];
  /** Returns a function that ends it. */
  listen(hear: (from: Peer, message: unknown) => void, caughtUp: (peer: Peer) => void): () => void;
}

/** What this file needs of `node:cluster`. */
interface Cluster {
  readonly isPrimary: boolean;
  readonly workers?: Readonly<Record<string, Worker | undefined>>;
  on(event: 'message', listener: (worker: Worker, message: unknown) => void): unknown;
  removeListener(event: 'message', listener: (worker: Worker, message: unknown) => void): unknown;
}

interface Worker {
  readonly process: ChildProcessLike;
}

interface Process extends ChildProcessLike {
  getBuiltinModule?(name: 'node:cluster'): Cluster;
}

/** Messages under way to one process at most. A stopped one doesn't read, and what it is sent would pile up. */
const MAX_UNDER_WAY = 100;

/** One process at the other end of a channel. */
export class Peer {
  #underWay = 0;
  #missed = false;

  constructor(
    private readonly process: ChildProcessLike,
    private readonly caughtUp: (peer: Peer) => void,
  ) {}

  is(other: Peer | undefined): boolean {
    return this.process === other?.process;
  }

  send(message: object): void {
    const { process } = this;
    if (!process.connected) return;
    if (this.#underWay >= MAX_UNDER_WAY) {
      this.#missed = true;
      return;
    }
    this.#underWay++;
    // Given the error, Node doesn't throw: the process may have gone a moment ago.
    process.send!(message, () => this.#sent());
  }

  #sent(): void {
    if (--this.#underWay > 0 || !this.#missed) return;
    this.#missed = false;
    this.caughtUp(this);
  }
}

/** Makes a peer for each process, and keeps it as long as the process lives. */
class Peers {
  readonly #peers = new WeakMap<ChildProcessLike, Peer>();
  caughtUp: (peer: Peer) => void = () => undefined;

  of(process: ChildProcessLike): Peer {
    let peer = this.#peers.get(process);
    if (peer === undefined) this.#peers.set(process, (peer = new Peer(process, (one) => this.caughtUp(one))));
    return peer;
  }
}

/** The process that forked this one, if one did. */
export function parentProcess(): Family | undefined {
  const { process } = globalThis as { process?: Process };
  return process?.send === undefined ? undefined : childrenOf([process]);
}

/** `undefined` if there are none. */
export function childrenOf(processes: readonly ChildProcessLike[]): Family | undefined {
  if (processes.length === 0) return undefined;
  const peers = new Peers();
  return {
    peers: () => processes.map((process) => peers.of(process)),
    listen(hear, caughtUp) {
      peers.caughtUp = caughtUp;
      const endings = processes.map((process) => {
        const listener: OnMessage = (message) => hear(peers.of(process), message);
        process.on('message', listener);
        return () => process.removeListener('message', listener);
      });
      return () => endings.forEach((end) => end());
    },
  };
}

/** The workers of `node:cluster`, in its primary process. Looked up when called, so that browsers can load the entry. */
export function clusterWorkers(): Family | undefined {
  const { process } = globalThis as { process?: Process };
  const cluster = process?.getBuiltinModule?.('node:cluster');
  if (cluster?.isPrimary !== true) return undefined;
  const peers = new Peers();
  return {
    peers: () => Object.values(cluster.workers!).map((worker) => peers.of(worker!.process)),
    listen(hear, caughtUp) {
      peers.caughtUp = caughtUp;
      const listener = (worker: Worker, message: unknown): void => hear(peers.of(worker.process), message);
      cluster.on('message', listener);
      return () => void cluster.removeListener('message', listener);
    },
  };
}
