import { AxiosHeaders } from 'axios';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions, PriorityAdapter, PriorityAdapterOptions, BackendPool } from '../../src';

/** What a stub backend replies with: a status, a response, an error to reject with, or a function that returns one. */
export type StubReply =
  number | Partial<AxiosResponse> | Error | ((config: InternalAxiosRequestConfig) => StubReply | Promise<StubReply>);

/** A pool over an adapter that replies in process, without a server. */
export interface StubPool {
  readonly adapter: PriorityAdapter;
  readonly pool: BackendPool;
  /** The names of the backends in the order in which they were tried. */
  readonly tried: string[];
  readonly configs: InternalAxiosRequestConfig[];
  /** The replies of the backends from now on, by name. The default is a 200. */
  replies: Record<string, StubReply>;
  /** Sends a request, and returns its response whatever its status. */
  readonly request: (config?: Partial<InternalAxiosRequestConfig>) => Promise<AxiosResponse>;
}

export function stubPool(
  backends: Record<string, Partial<BackendOptions>>,
  options: PriorityAdapterOptions = {},
): StubPool {
  const tried: string[] = [];
  const configs: InternalAxiosRequestConfig[] = [];
  const replies: Record<string, StubReply> = {};
  const wrapped: AxiosAdapter = async (config) => {
    const name = new URL(config.baseURL ?? config.url ?? '').hostname.split('.')[0] ?? '';
    tried.push(name);
    configs.push(config);
    const answer = await settled(replies[name] ?? 200, config);
    if (answer instanceof Error) throw answer;
    const given = typeof answer === 'number' ? { status: answer } : answer;
    const empty: AxiosResponse = { status: 200, data: '', statusText: '', headers: new AxiosHeaders(), config };
    return { ...empty, ...given };
  };
  const list = Object.entries(backends).map(([name, own]) => ({ baseURL: `https://${name}.example`, name, ...own }));
  const adapter = priorityAdapter(list, { adapter: wrapped, ...options });
  return {
    adapter,
    pool: adapter.pool,
    tried,
    configs,
    replies,
    request: (config = {}) => adapter({ url: '/x', method: 'get', headers: new AxiosHeaders(), ...config }),
  };
}

async function settled(answer: StubReply, config: InternalAxiosRequestConfig): Promise<Exclude<StubReply, () => void>> {
  return typeof answer === 'function' ? settled(await answer(config), config) : answer;
}

/** Stops `performance.now` until the test advances it. After the test, it runs again. */
export function fakeClock(): { advance(ms: number): void } {
  let now = 1_000_000;
  // Not a mock function, which would record each of a million calls.
  Object.defineProperty(performance, 'now', { value: () => now, configurable: true });
  return { advance: (ms) => void (now += ms) };
}

afterEach(() => {
  Reflect.deleteProperty(performance, 'now');
});

/** A promise with the functions that settle it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

export const throttled = (ms: number): Partial<AxiosResponse> => ({
  status: 429,
  headers: { 'retry-after-ms': String(ms) },
});

/** The error of a connection that was refused: nothing was sent. */
export const refused = (): Error => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

/** Waits for a turn of the event loop, in which all that is ready to run does. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A proxy that throws whatever is done with it. */
export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
