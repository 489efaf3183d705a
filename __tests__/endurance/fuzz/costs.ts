/** What API.md's table of costs needs to know of a failed attempt. */
export interface Failed {
  readonly backend: string;
  /** The deployment, by the backend's name for it. */
  readonly scope: string | undefined;
  readonly status: number | undefined;
  readonly isRefusedCredential: boolean;
  /** The wait that the server specified, in ms. */
  readonly wait: number | undefined;
  /** What the user's `cooldown` returned. */
  readonly override: number | undefined;
  /** Whether its provider of credentials failed. */
  readonly isProvider: boolean;
  /** When the attempt began. */
  readonly began: number;
}

export interface Limits {
  readonly defaultCooldown: number;
  readonly maxCooldown: number;
}

/** The latest ends that are allowed, of the backend or of one deployment of it. */
class Account {
  asked = 0;
  guessed = 0;
  oversized = 0;
  /** Failures in a row without a wait. */
  streak = 0;
  failedAt = -1;
  /** Whether a trial may follow. */
  mayBeOnTrial = false;

  /** Everything that a success ends. */
  prove(): void {
    this.guessed = 0;
    this.oversized = 0;
    this.streak = 0;
    this.mayBeOnTrial = false;
  }
}

/**
 * The table "What a failure costs" of the specification, written a second time, as upper bounds. Where two things happen in the
 * same millisecond, their order isn't known, and the bound is that of the worse order.
 */
export class Costs {
  readonly #accounts = new Map<string, Account>();
  readonly #answeredAt = new Map<string, number>();
  /** When a backend came into the pool. What began before is about another one of the same name. */
  readonly #since = new Map<string, number>();

  constructor(private readonly limits: Limits) {}

  /** Returns the ms that the failure may cost. `Infinity`: it is about an earlier backend of the same name. */
  failed(failed: Failed, now: number): number {
    const { maxCooldown, defaultCooldown } = this.limits;
    const { status = 0, wait, override, scope, backend, began } = failed;
    if (began < this.#sinceOf(backend)) return Infinity;
    const account = this.#account(backend, status >= 400 && status < 500 ? scope : undefined);
    const length = this.#length(failed);
    const isCounted = length === 'default' || length === 'ladder';
    if (isCounted && (began >= account.failedAt || account.streak === 0)) account.streak++;
    const isOversized = wait !== undefined && wait > maxCooldown;
    const isAsked = !isOversized && ((wait ?? 0) > 0 || status === 429);
    const first = { wait: wait ?? 0, nothing: 0, default: defaultCooldown, ladder: Math.min(100, defaultCooldown) };
    const doubled = first[length] * (isCounted ? 2 ** (account.streak - 1) : 1);
    const most = Math.min(override ?? doubled, maxCooldown);
    // A 4xx that is about the request, and costs nothing, is no failure of the backend.
    if (length !== 'nothing' || most > 0) account.failedAt = now;
    const kind = isOversized ? 'oversized' : isAsked ? 'asked' : 'guessed';
    account[kind] = Math.max(account[kind], now + most);
    if (!isAsked && (length === 'default' || (length === 'ladder' && account.streak > 1))) account.mayBeOnTrial = true;
    return began === this.#sinceOf(backend) ? Infinity : most;
  }

  #length({ status = 0, wait, isRefusedCredential, isProvider, backend, began }: Failed): keyof Firsts {
    if (wait !== undefined && wait > this.limits.maxCooldown) return 'default';
    if ((wait ?? 0) > 0) return 'wait';
    if (status === 429) return wait === undefined ? 'default' : 'ladder';
    if (status >= 500 || isRefusedCredential || isProvider) return 'ladder';
    if (status >= 400) return 'nothing';
    return (this.#answeredAt.get(backend) ?? -1) > began ? 'ladder' : 'default';
  }

  /** The backend answered, with whatever status. */
  answered(backend: string, began: number, now: number): void {
    if (began > this.#sinceOf(backend)) this.#answeredAt.set(backend, now);
  }

  /** A response showed the backend at work. */
  worked(backend: string, scope: string | undefined, began: number): void {
    if (began <= this.#sinceOf(backend)) return;
    for (const account of [this.#account(backend, undefined), this.#account(backend, scope)])
      if (began > account.failedAt) account.prove();
  }

  cooled(backend: string, scope: string | undefined, until: number): void {
    const account = this.#account(backend, scope);
    account.asked = Math.max(account.asked, until);
  }

  restored(backend: string): void {
    for (const [key, account] of this.#accounts) {
      if (!key.startsWith(`${backend}/`)) continue;
      account.prove();
      account.asked = 0;
    }
  }

  /** The backend is new in the pool. */
  came(backend: string, now: number): void {
    for (const key of [...this.#accounts.keys()]) if (key.startsWith(`${backend}/`)) this.#accounts.delete(key);
    this.#answeredAt.delete(backend);
    this.#since.set(backend, now);
  }

  /** The latest time at which a cooldown may end. */
  bound(backend: string, scope: string | undefined, isOversized: boolean): number {
    const { asked, guessed, oversized } = this.#account(backend, scope);
    return isOversized ? oversized : Math.max(asked, guessed);
  }

  mayBeOnTrial(backend: string): boolean {
    return this.#account(backend, undefined).mayBeOnTrial;
  }

  #sinceOf(backend: string): number {
    return this.#since.get(backend) ?? -1;
  }

  #account(backend: string, scope: string | undefined): Account {
    const key = `${backend}/${scope ?? ''}`;
    let account = this.#accounts.get(key);
    if (account === undefined) this.#accounts.set(key, (account = new Account()));
    return account;
  }
}

/** How long a failure takes a backend out at first. */
interface Firsts {
  readonly wait: number;
  readonly nothing: number;
  readonly default: number;
  readonly ladder: number;
}
