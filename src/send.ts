import type { AxiosAdapter, AxiosResponse } from 'axios';
import { attemptConfig } from './attempt';
import type { Plan } from './attempt';
import type { BackendSettings } from './backend';
import { checkSendable } from './body';
import type { Body } from './body';
import type { HeaderList } from './credentials';
import { MAX_TIMER } from './deadline';
import type { Deadline } from './deadline';
import { followingRedirects } from './redirect';
import { cancelWhileRead, discard, isNodeFetch } from './response';

/** What goes into one attempt, besides the backend. */
export interface Sending {
  readonly plan: Plan;
  readonly adapter: AxiosAdapter;
  readonly body: Body;
  readonly deadline: Deadline;
  /** ms for this attempt; 0 means none */
  readonly limit: number;
  /** Told what the backend's credentials are, for taking them out of messages. */
  readonly onCredentials: (credentials: HeaderList) => void;
}

/**
 * Sends one attempt through the wrapped adapter.
 *
 * @throws `Interruption` when the request or this attempt is to end, `CredentialError`, or what the adapter throws
 */
export function send(backend: BackendSettings, sending: Sending): Promise<AxiosResponse> {
  const bounded = sending.deadline.bounded || sending.limit > 0;
  return bounded ? guarded(backend, sending) : exchangeWith(backend, sending);
}

async function guarded(backend: BackendSettings, sending: Sending): Promise<AxiosResponse> {
  const { plan, deadline, limit } = sending;
  deadline.check();
  // One signal for all that may end this attempt.
  const abort = new AbortController();
  const exchange = exchangeWith(backend, sending, abort);
  const giveUp = (): void => {
    abort.abort();
    // An adapter that does not listen goes on; its answer comes too late for anybody.
    exchange.then(discard, () => undefined);
  };
  const response = await deadline.guard(exchange, giveUp, limit);
  cancelWhileRead(response, plan.config, abort);
  return response;
}

async function exchangeWith(
  backend: BackendSettings,
  { plan, adapter, body, onCredentials }: Sending,
  abort?: AbortController,
): Promise<AxiosResponse> {
  const credentials = backend.credentials.headers();
  const headers = credentials instanceof Promise ? await credentials : credentials;
  onCredentials(headers);
  if (abort?.signal.aborted) throw new Error('given up while the credentials were asked for');
  checkSendable(body);
  const attempt = attemptConfig(plan, backend, adapter, body, headers);
  if (abort !== undefined) {
    attempt.signal = abort.signal;
    delete attempt.cancelToken;
  }
  // It would fire at once in an adapter; the deadline keeps it.
  if (Number(attempt.timeout) > MAX_TIMER) attempt.timeout = 0;
  return isNodeFetch(adapter, attempt)
    ? followingRedirects(adapter, attempt, lowerCase(attempt.sensitiveHeaders ?? []))
    : adapter(attempt);
}

function lowerCase(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
}
