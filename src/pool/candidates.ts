import type { Backend, PooledBackend } from './backend';
import type { BackendList } from './backend-list';

/** What a request needs of the backend that serves it. */
export interface Wanted {
  /** The deployment, by the caller's name for it, as far as it is known. */
  readonly deployment: string | undefined;
  /** The name of the only backend that may serve the request. */
  readonly pinned: string | undefined;
  /** Names of backends that would only repeat their answer, so the request doesn't wait for them. */
  readonly final: ReadonlySet<string>;
}

export const NO_NAMES: ReadonlySet<string> = new Set();

/** The most deployments for which lists are remembered. Beyond it, all lists are forgotten. */
const MAX_LISTS = 200;

/** The backends that can serve a request, by priority. Most requests can go to all of them. */
export function serving(
  { byPriority, lacksDeployments }: BackendList,
  { deployment, pinned }: Wanted,
): readonly PooledBackend[] {
  const all = pinned === undefined ? byPriority : byPriority.filter(({ info }) => info.name === pinned);
  return lacksDeployments ? all.filter((backend) => backend.has(deployment)) : all;
}

/**
 * The candidates for each deployment: the available backends of the best priority. What is available changes only at
 * deadlines and failures, so the lists are remembered until then, and a request doesn't look at every backend.
 */
export class Candidates {
  readonly #lists = new Map<string | undefined, readonly Backend[]>();
  /** When they may change by themselves. */
  #nextChange = Infinity;

  mayHaveChanged(time: number): boolean {
    return time >= this.#nextChange;
  }

  /** They have changed, and will change by themselves at `next` or before. */
  changed(next: number): void {
    this.#lists.clear();
    this.#nextChange = Math.min(this.#nextChange, next);
  }

  /** All backends were looked at: from now on, they change by themselves at `next`. */
  renew(next: number): void {
    this.#lists.clear();
    this.#nextChange = next;
  }

  /**
   * @param backends those that can serve the request, by priority
   * @param tried names of the backends that the request has tried
   * @returns a frozen list; if no backend is available, those that may be used if no other can
   */
  of(
    backends: readonly PooledBackend[],
    { deployment, pinned }: Wanted,
    tried: ReadonlySet<string>,
    now: number,
  ): readonly Backend[] {
    if (tried.size > 0 || pinned !== undefined) return availableOf(backends, deployment, tried, now);
    let list = this.#lists.get(deployment);
    if (list === undefined) {
      list = availableOf(backends, deployment, tried, now);
      if (this.#lists.size >= MAX_LISTS) this.#lists.clear();
      this.#lists.set(deployment, list);
    }
    return list;
  }
}

/**
 * The backend for the one attempt that is made when no backend is available: of those that a guessed cooldown alone keeps
 * out, the one whose latest failure is the oldest. So one that works again is found within as many requests as there are
 * backends. `Turns` decides that a request makes only one such attempt in a round.
 */
export function lastResort(
  backends: readonly PooledBackend[],
  deployment: string | undefined,
  tried: ReadonlySet<string>,
  now: number,
): PooledBackend | undefined {
  let best: PooledBackend | undefined;
  let oldest = Infinity;
  for (const backend of backends) {
    const scope = backend.scopeOf(deployment);
    if (tried.has(backend.info.name) || !backend.givesWay(scope, now)) continue;
    const failedEpoch = backend.failedEpoch(scope);
    if (failedEpoch >= oldest) continue;
    best = backend;
    oldest = failedEpoch;
  }
  return best;
}

function availableOf(
  backends: readonly PooledBackend[],
  deployment: string | undefined,
  tried: ReadonlySet<string>,
  now: number,
): readonly Backend[] {
  const available: Backend[] = [];
  const behind: Backend[] = [];
  for (const backend of backends) {
    const { info } = backend;
    // The list is sorted: no better one follows.
    if (available.length > 0 && info.priority > available[0]!.priority) break;
    if (tried.has(info.name)) continue;
    const availability = backend.availability(backend.scopeOf(deployment), now);
    if (availability === 'no') continue;
    const list = availability === 'yes' ? available : behind;
    if (list.length === 0 || list[0]!.priority === info.priority) list.push(info);
  }
  return Object.freeze(available.length > 0 ? available : behind);
}
