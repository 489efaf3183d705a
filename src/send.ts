import type { AxiosResponse } from 'axios';
import { attemptConfig } from './attempt';
import type { Plan } from './attempt';
import type { BackendSettings } from './backend';
import { checkSendable } from './body';
import type { Body } from './body';
import type { HeaderList } from './credentials';
import { MAX_TIMER } from './deadline';
import type { Deadline } from './deadline';
import { followingRedirects } from './redirect';
import { discard, isNodeFetch } from './response';
import type { Trail } from './trail';

/** What all attempts of one request are sent with. */
interface Sender {
  readonly plan: Plan;
  readonly deadline: Deadline;
  /** Told what the backend's credentials are, for taking them out of messages. */
  readonly trail: Trail;
}

/**
 * Sends one attempt through the wrapped adapter.
 *
 * @param limit ms for this attempt; 0 means none
 * @throws `Interruption` when the request or this attempt is to end, `CodedError`, or what the adapter throws
 */
export function send(sender: Sender, backend: BackendSettings, body: Body, limit: number): Promise<AxiosResponse> {
  return sender.deadline.bounded || limit > 0 ? guarded(sender, backend, body, limit) : exchange(sender, backend, body);
}

function guarded(sender: Sender, backend: BackendSettings, body: Body, limit: number): Promise<AxiosResponse> {
  const { deadline } = sender;
  deadline.check();
  // One signal for all that may end this attempt.
  const abort = new AbortController();
  const answer = exchange(sender, backend, body, abort);
  const giveUp = (): void => {
    abort.abort();
    // An adapter that does not listen goes on; its answer comes too late for anybody.
    answer.then(discard, () => undefined);
  };
  return deadline.guard(answer, giveUp, limit);
}

/** Without a step of its own where no provider has to be waited for. */
function exchange(
  sender: Sender,
  backend: BackendSettings,
  body: Body,
  abort?: AbortController,
): Promise<AxiosResponse> {
  const { headers } = backend.credentials;
  if (typeof headers !== 'function') return exchangeWith(headers, sender, backend, body, abort);
  return headers().then((credentials) => {
    if (abort?.signal.aborted) throw new Error('given up while the credentials were asked for');
    return exchangeWith(credentials, sender, backend, body, abort);
  });
}

function exchangeWith(
  credentials: HeaderList,
  { plan, trail }: Sender,
  backend: BackendSettings,
  body: Body,
  abort?: AbortController,
): Promise<AxiosResponse> {
  trail.given(credentials, abort);
  checkSendable(body);
  const { adapter } = plan;
  const attempt = attemptConfig(plan, backend, body, credentials, abort);
  // It would fire at once in an adapter; the deadline keeps it.
  if (Number(attempt.timeout) > MAX_TIMER) attempt.timeout = 0;
  return isNodeFetch(adapter, attempt) ? followingRedirects(adapter, attempt) : adapter(attempt);
}
