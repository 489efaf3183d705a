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
 * @throws `Interruption` when the request or this attempt is to end, `CodedError`, or what the adapter throws
 */
export function send(backend: BackendSettings, sending: Sending): Promise<AxiosResponse> {
  return sending.deadline.bounded || sending.limit > 0 ? guarded(backend, sending) : exchange(backend, sending);
}

async function guarded(backend: BackendSettings, sending: Sending): Promise<AxiosResponse> {
  const { plan, deadline, limit } = sending;
  deadline.check();
  // One signal for all that may end this attempt.
  const abort = new AbortController();
  const answer = exchange(backend, sending, abort);
  const giveUp = (): void => {
    abort.abort();
    // An adapter that does not listen goes on; its answer comes too late for anybody.
    answer.then(discard, () => undefined);
  };
  const response = await deadline.guard(answer, giveUp, limit);
  cancelWhileRead(response, plan.config, abort);
  return response;
}

/** Without a step of its own where no provider has to be waited for. */
function exchange(backend: BackendSettings, sending: Sending, abort?: AbortController): Promise<AxiosResponse> {
  const given = backend.credentials.headers();
  if (!(given instanceof Promise)) return exchangeWith(given, backend, sending, abort);
  return given.then((credentials) => {
    if (abort?.signal.aborted) throw new Error('given up while the credentials were asked for');
    return exchangeWith(credentials, backend, sending, abort);
  });
}

function exchangeWith(
  credentials: HeaderList,
  backend: BackendSettings,
  { plan, adapter, body, onCredentials }: Sending,
  abort?: AbortController,
): Promise<AxiosResponse> {
  onCredentials(credentials);
  checkSendable(body);
  const attempt = attemptConfig(plan, backend, adapter, body, credentials, abort);
  // It would fire at once in an adapter; the deadline keeps it.
  if (Number(attempt.timeout) > MAX_TIMER) attempt.timeout = 0;
  return isNodeFetch(adapter, attempt) ? followingRedirects(adapter, attempt) : adapter(attempt);
}
