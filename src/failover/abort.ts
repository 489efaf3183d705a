/**
 * Why a request, or one attempt of it, ended before its response arrived. (`Budget.guard` ends it.) The client turns it
 * into its own error.
 */
export class AbortReason extends Error {
  constructor(
    readonly why: 'cancelled' | 'timeout' | 'attempt-timeout',
    /** The limit that passed, in ms. 0 for a cancel. */
    readonly ms: number,
    /** The caller's message when cancelling with a `cancelToken`. */
    readonly cancelMessage?: string,
    /** The `reason` of the caller's signal. */
    readonly signalReason?: unknown,
  ) {
    super(why);
  }
}

/** The part of an `AbortSignal` that is used; axios accepts polyfills too. */
interface SignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener?(type: 'abort', listener: (event?: unknown) => void): void;
  removeEventListener?(type: 'abort', listener: (event?: unknown) => void): void;
}

/** axios's `CancelToken`. Its types leave out two methods that axios's adapters use. */
interface CancelTokenLike {
  readonly reason?: { readonly message?: string } | undefined;
  subscribe(listener: () => void): void;
  unsubscribe(listener: () => void): void;
}

/** How the caller may cancel a request. */
export interface Cancellable {
  readonly signal?: SignalLike | undefined;
  readonly cancelToken?: CancelTokenLike | undefined;
}

/**
 * A small `AbortController` for one attempt. axios's own adapters accept it as their `signal`. Everybody else reads
 * `signal`, which makes a real `AbortSignal` on first use.
 */
export class Abort implements SignalLike {
  aborted = false;
  #controller: AbortController | undefined;
  readonly #listeners = new Set<(event?: unknown) => void>();
  /** What the signal was aborted with. */
  reason: unknown;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    for (const listener of [...this.#listeners]) listener({ type: 'abort' });
    this.#listeners.clear();
  }

  addEventListener(_type: 'abort', listener: (event?: unknown) => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: (event?: unknown) => void): void {
    this.#listeners.delete(listener);
  }
}

/** Calls back when the caller cancels. Returns a function that removes the listeners. */
export function onCancel({ signal, cancelToken }: Cancellable, listener: () => void): () => void {
  const unlisten = signal && onAbort(signal, listener);
  cancelToken?.subscribe(listener);
  return () => {
    unlisten?.();
    cancelToken?.unsubscribe(listener);
  };
}

/** The requests that listen to one signal, and the one listener that is registered with it. */
interface SharedListener {
  readonly listeners: Set<() => void>;
  readonly tell: () => void;
}

/** One listener for each signal, however many requests share it: Node warns of more than ten. */
const sharedListeners = new WeakMap<SignalLike, SharedListener>();

function onAbort(signal: SignalLike, listener: () => void): () => void {
  const { listeners, tell } = sharedListeners.get(signal) ?? listenTo(signal);
  listeners.add(listener);
  return () => {
    // May run late, after an attempt was given up. By then, other requests may be listening.
    if (!listeners.delete(listener) || listeners.size > 0) return;
    signal.removeEventListener?.('abort', tell);
    sharedListeners.delete(signal);
  };
}

function listenTo(signal: SignalLike): SharedListener {
  const listeners = new Set<() => void>();
  // Iterates over a copy, because each listener removes itself.
  const shared = { listeners, tell: () => [...listeners].forEach((each) => each()) };
  signal.addEventListener?.('abort', shared.tell);
  sharedListeners.set(signal, shared);
  return shared;
}
