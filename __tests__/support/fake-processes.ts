import { EventEmitter } from 'node:events';

/** One end of an IPC channel, without a process. Delivers at once; calls back when `drain` is called, or at once. */
export class FakeEnd extends EventEmitter {
  connected = true;
  readonly sent: unknown[] = [];
  /** Keeps the callbacks, as for a process that doesn't read. */
  isStuck = false;
  other: FakeEnd | undefined;
  #waiting: (() => void)[] = [];

  send(message: object, callback: (error: Error | null) => void): boolean {
    this.sent.push(message);
    this.other?.emit('message', structuredClone(message));
    if (this.isStuck) this.#waiting.push(() => callback(null));
    else callback(null);
    return true;
  }

  drain(): void {
    this.isStuck = false;
    for (const done of this.#waiting.splice(0)) done();
  }
}

/** The parent's view of a child, and the child's view of its parent. */
export function fakeChannel(): { child: FakeEnd; parent: FakeEnd } {
  const [child, parent] = [new FakeEnd(), new FakeEnd()];
  child.other = parent;
  parent.other = child;
  return { child, parent };
}

/** Runs `action` where `globalThis.process` is another one. */
export function inProcess<T>(process: object | undefined, action: () => T): T {
  const { process: own } = globalThis;
  Object.assign(globalThis, { process });
  try {
    return action();
  } finally {
    globalThis.process = own;
  }
}
