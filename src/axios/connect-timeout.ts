import type { ClientRequest } from 'node:http';
import { afterArrivals } from '../base/clock';

/** As an operating system's own timeout. */
const TIMED_OUT = { code: 'ETIMEDOUT', syscall: 'connect' };

/** How far the connection of a request is. */
interface Progress {
  readonly isEstablished: boolean;
  /** Whether the request waits for a free socket of its agent. */
  readonly isQueued: boolean;
}

/**
 * Ends a request whose connection isn't established in time.
 *
 * @param connectTimeout ms
 */
export function limitConnecting(sent: ClientRequest, connectTimeout: number, connection: Progress): void {
  // Time in the queue of its agent doesn't count: a request that has left it has the whole time.
  let wasQueued = connection.isQueued;
  const check = (): void => {
    if (connection.isEstablished || sent.destroyed) return;
    if (wasQueued) {
      wasQueued = connection.isQueued;
      start();
      return;
    }
    const error = Object.assign(new Error(`connect timeout of ${String(connectTimeout)}ms exceeded`), TIMED_OUT);
    sent.destroy(error);
    // While a proxy's tunnel is missing, there is no socket, and Node waits for one to tell.
    if (sent.socket === null) sent.emit('error', error);
  };
  let stopTimer!: () => void;
  const start = (): void => void (stopTimer = afterArrivals(connectTimeout, check));
  start();
  sent.on('socket', () => {
    if (!wasQueued) return;
    wasQueued = false;
    stopTimer();
    start();
  });
  sent.on('close', () => stopTimer());
  // Without a socket, a request that is given up emits no `close`.
  const destroy = sent.destroy.bind(sent);
  sent.destroy = (error) => {
    stopTimer();
    return destroy(error);
  };
  sent.on('response', () => stopTimer());
}
