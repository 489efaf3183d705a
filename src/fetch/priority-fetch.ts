import { callback } from '../base/check';
import type { Check, Checks } from '../base/check';
import type { CodedError } from '../base/errors';
import { bare } from '../base/hidden';
import { failover } from '../failover/failover';
import { checkedBoolean } from '../failover/callback-results';
import { poolFrom, resolveRules, rulesFor } from '../failover/options';
import type { FailoverOptions } from '../failover/options';
import type { BackendOptions } from '../pool/backend-options';
import { BackendPool } from '../pool/pool';
import { coreOf } from '../pool/pool-core';
import { FetchClient } from './fetch-client';
import { asFetchError } from './fetch-errors';
import type { FetchResponse, PriorityResponse } from './fetch-client';
import { addressOf, callOf, dictionaryOf, hidesBody, openRequest } from './request';
import type { Fetch, FetchCall, FetchInit, FetchInput, FetchRequest } from './request';

/** Options of `priorityFetch`. `undefined` means the default. */
export interface PriorityFetchOptions extends Omit<FailoverOptions, 'connectTimeout'> {
  /** The fetch to wrap. Default: `globalThis.fetch`, looked up at each call */
  readonly fetch?: Fetch | undefined;
}

/** A `fetch` with its pool. */
export interface PriorityFetch {
  /**
   * @param input an absolute URL, or a `Request`
   * @param init as for `fetch`, with `failover`
   */
  (input: FetchInput, init?: FetchInit): Promise<PriorityResponse>;
  /** The state of the backends: for a health endpoint, for events, and to take one out by hand. */
  readonly pool: BackendPool;
}

/**
 * Makes a `fetch` that sends each request to the best available backend, fails over to the next on 429, 5xx and failed
 * connections, and resolves to a fabricated 429 when none is left. Clients that take a `fetch` (the official `openai`
 * SDK, the AI SDK, LangChain) get failover with no other change.
 *
 * The URL must be absolute. Its origin is replaced by the backend's. In everything else it behaves as `fetch` does: no
 * status rejects, a cancel rejects with `signal.reason`, and a failure of the network with the wrapped fetch's own
 * error. A response is the wrapped fetch's own, with `attempts`. `init.failover` overrides the options for one request. A
 * request rejects with a `TypeError` for a relative URL or a wrong `init.failover`, and with a `DOMException` named
 * `TimeoutError` if `attemptTimeout` passed and no other backend may be tried.
 *
 * @param backends the endpoints, or a `BackendPool`: that of an axios adapter, so that both share what they know
 * @param options all have defaults. Those of the pool (`selector`, `defaultCooldown`, `maxCooldown`) can't be given
 * together with a ready pool
 * @returns a `fetch`, with its `pool`
 * @throws TypeError that names the place and the value, such as `backends[1].weight must be a positive number, got -1`
 * @example
 * const fetch = priorityFetch([{ baseURL: 'https://eastus.openai.azure.com', apiKey: process.env.EASTUS_KEY }]);
 * const openai = new OpenAI({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch });
 */
export function priorityFetch(
  backends: readonly BackendOptions[] | BackendPool,
  options: PriorityFetchOptions = {},
): PriorityFetch {
  const pool = poolFrom(backends, options);
  const { fetch: given, ...rules } = resolveRules(options, OWN_CHECKS);
  const core = coreOf(pool);
  const client = new FetchClient();
  if (given !== undefined && BackendPool.isPool((given as { pool?: unknown }).pool))
    throw new TypeError('options.fetch is a priority fetch; pass the fetch to wrap');
  // The global one may be replaced by the very fetch that is made here: the inner `priorityFetch` below.
  const before = globalThis.fetch;
  const wrapped = (): Fetch => {
    const { fetch } = globalThis;
    return given ?? ((fetch as unknown) === priorityFetch ? before : fetch);
  };

  async function priorityFetch(input: FetchInput, init?: FetchInit): Promise<PriorityResponse> {
    const fetch = wrapped();
    const address = addressOf(input);
    if (address === undefined && 'adapter' in Object(input))
      throw new TypeError('this is a fetch; for axios, use priorityAdapter');
    if (address?.isHttp === false) return untouched(fetch, input, init);
    let dictionary = dictionaryOf(init);
    if (hidesBody(input, dictionary)) dictionary = { ...dictionary, body: await input.clone().arrayBuffer() };
    const call = callOf(input, address, dictionary);
    if (!checkedBoolean(rules.shouldBalance(call.config), 'shouldBalance')) return untouched(fetch, input, init);
    const own = rulesFor(rules, call.config.failover, core.backends, 'init.failover');
    const request = opened(call, fetch);
    return (await failover(client, request, core, own)) as FetchResponse & PriorityResponse;
  }
  // Clients look for these beside a fetch of their own (node-fetch has them).
  for (const name of ['Response', 'Headers', 'Request'] as const) {
    const get = (): unknown => (wrapped() as unknown as Record<string, unknown>)[name] ?? globalThis[name];
    Object.defineProperty(priorityFetch, name, bare({ get, configurable: true }));
  }
  return Object.assign(priorityFetch, { pool });
}

/** @throws TypeError for what only axios has */
function refused(instead: string): Check<0> {
  return (value, place) => {
    if (value !== undefined) throw new TypeError(`${place} is for axios alone; ${instead}`);
    return 0;
  };
}

const OWN_CHECKS: Checks<{ fetch: Fetch | undefined; adapter: 0; connectTimeout: 0 }> = {
  fetch: /* @__PURE__ */ callback<Fetch | undefined>(undefined),
  adapter: /* @__PURE__ */ refused('pass the fetch to wrap as fetch'),
  connectTimeout: /* @__PURE__ */ refused("the runtime's fetch has a limit of its own"),
};

async function untouched(fetch: Fetch, input: FetchInput, init: FetchInit | undefined): Promise<PriorityResponse> {
  return (await fetch(input, init)) as PriorityResponse;
}

/** @throws TypeError as fetch does */
function opened(call: FetchCall, fetch: Fetch): FetchRequest {
  try {
    return openRequest(call, fetch);
  } catch (error) {
    throw asFetchError(error as CodedError);
  }
}
