import { callback, duration, resolveOptions, must } from '../base/check';
import type { Check, Checks } from '../base/check';
import type { CooldownReason } from '../pool/reasons';
import { BackendPool } from '../pool/pool';
import { coreOf } from '../pool/pool-core';
import { REASONS } from './message';
import { Sharing } from './sharing';
import type { SharingSettings } from './sharing';
import type { Transport } from './transport';

/** Options of {@link shareCooldowns}. `undefined` means the default. */
export interface SharingOptions {
  /** ms. Shorter cooldowns aren't shared: they would be over before the others are told. Default: 250 */
  readonly minDuration?: number | undefined;
  /**
   * ms. The longest that a cooldown of another process may last from when it was first heard. For longer maintenance
   * windows, raise it in every process. Default: 300 000
   */
  readonly maxDuration?: number | undefined;
  /**
   * Only cooldowns for these reasons are sent and accepted. Leave out those that may concern one process alone, such as a
   * broken connection.
   * Default: `['throttled', 'oversized', 'manual']`
   */
  readonly reasons?: readonly CooldownReason[] | undefined;
  /**
   * Called with each error of the transport, and with `undefined` when it works again. Default: the console
   * shows the first error, and a line when sharing works again
   *
   * @param error of the transport, whatever it threw or reported
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Cooldowns that are being shared. */
export interface SharedCooldowns {
  /**
   * Resolves when the others have been heard once, or at `stop()`. It never rejects. It stays pending while the
   * transport is away, so don't delay startup for it. Over a channel or IPC, it resolves after 200 ms at the latest.
   */
  readonly ready: Promise<void>;
  /**
   * `pool.restore` for every process.
   *
   * @param name of the backend
   * @throws TypeError for an unknown name
   */
  restore(name: string): void;
  /**
   * Ends the sharing. It leaves no connection, timer or listener. The pool keeps what it has learned. A second call does
   * nothing more.
   */
  stop(): Promise<void>;
}

const checkReasons: Check<readonly CooldownReason[]> = (value, place) => {
  if (value === undefined) return ['throttled', 'oversized', 'manual'];
  must(Array.isArray(value), place, 'be an array of reasons', value);
  const wrong = value.findIndex((reason) => !REASONS.includes(reason as CooldownReason));
  must(wrong < 0, place, `hold only ${REASONS.join(', ')}`, value[wrong]);
  return value as CooldownReason[];
};

const CHECKS: Checks<SharingSettings> = {
  minDuration: /* @__PURE__ */ duration(250),
  maxDuration: /* @__PURE__ */ duration(300_000),
  reasons: checkReasons,
  onError: (value, place) => callback(consoleReport())(value, place),
};

/**
 * Tells other processes which backends are on cooldown, and learns it from them. No request waits for it. While the
 * transport is down, the process goes on by itself.
 *
 * A backend counts as the same one in another process if its name and its `baseURL` are the same.
 *
 * @param pool of this process
 * @param transport `redisTransport`, `channelTransport`, `processTransport` or one of your own
 * @param options all have defaults
 * @throws TypeError that names the place and the value
 */
export function shareCooldowns(pool: BackendPool, transport: Transport, options: SharingOptions = {}): SharedCooldowns {
  must(BackendPool.isPool(pool), 'pool', 'be a BackendPool, such as adapter.pool', pool);
  const { send, listen } = Object(transport) as Partial<Transport>;
  must(typeof send === 'function' && typeof listen === 'function', 'transport', 'have send and listen', transport);
  return new Sharing(coreOf(pool), transport, resolveOptions(options, 'options', CHECKS));
}

/** Tells of the first error, and when all is well again. */
function consoleReport(): (error: unknown) => void {
  let isDown = false;
  return (error) => {
    if (error === undefined) console.info('axios-priority-adapter: cooldowns are shared again');
    else if (!isDown) console.error('axios-priority-adapter: cooldowns are not shared at present', error);
    isDown = error !== undefined;
  };
}
