import { AxiosHeaders } from 'axios';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { priorityAdapter } from '../../src';
import type { BackendOptions, PriorityAdapter, PriorityAdapterOptions, BackendPool } from '../../src';

/** What a backend answers without a wire: a status, a whole answer, or an error to reject with. */
export type StubReply =
  number | Partial<AxiosResponse> | Error | ((config: InternalAxiosRequestConfig) => StubReply | Promise<StubReply>);

/** Backends named a, b, c … that answer in process, and what they were asked. */
export interface StubPool {
  readonly adapter: PriorityAdapter;
  readonly pool: BackendPool;
  /** Names of the backends in the order asked. */
  readonly tried: string[];
  readonly configs: InternalAxiosRequestConfig[];
  /** What a backend answers from now on. */
  replies: Record<string, StubReply>;
  /** Sends one request; gives the response, whatever its status. */
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

/** A clock that stands still until it is told to go on. It goes again after the test. */
export function fakeClock(): { advance(ms: number): void } {
  let now = 1_000_000;
  // Not a mock function: that would remember each of a million calls.
  Object.defineProperty(performance, 'now', { value: () => now, configurable: true });
  return { advance: (ms) => void (now += ms) };
}

afterEach(() => {
  Reflect.deleteProperty(performance, 'now');
});

/** A promise, and what settles it. */
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

/** Lets everything go on that waits for nothing but its turn. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
