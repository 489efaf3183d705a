import { ATTEMPT_TIMEOUT } from './client.mjs';
import { OWN_BODY_FAILED } from './requests.mjs';

/**
 * Compares what each client was told of its attempts with what was sent and with what the servers wrote down, entry by
 * entry.
 *
 * @param requests by id: `{ config, began, ended, cancelled, attempts, sent }`
 * @param lag ms by which the process was late at the most: so much later one side may hear of what the other did
 * @returns how the attempts ended, counted; what fits nothing goes to `problem`
 */
export function reconcile(requests, backends, lag, problem) {
  const counts = {};
  for (const [id, request] of requests) {
    const { attempts = [], sent } = request;
    if (attempts.length !== sent.length)
      problem(`${id} made ${sent.length} attempts and was told of ${attempts.length}: ${JSON.stringify(attempts)}`);
    attempts.forEach((attempt, i) => {
      const backend = backends.find(({ name }) => name === attempt.backend);
      const entry = backend.log.get(`${id}/${i}`);
      const end = sent[i] && endOf({ attempt, entry, request, sent: sent[i], backend, lag });
      if (end === undefined) problem(`${id}/${i}: ${JSON.stringify({ attempt, sent: sent[i], entry })}`);
      counts[end] = (counts[end] ?? 0) + 1;
    });
  }
  for (const backend of backends) unaccounted(backend, requests, problem);
  return counts;
}

/** What a server has seen, some client must have been told of. */
function unaccounted({ name, log }, requests, problem) {
  for (const [key, entry] of log) {
    const [id, attempt] = key.split('/');
    if (requests.get(id)?.attempts?.[attempt]?.backend !== name)
      problem(`${name} got ${key}, of which no client was told: ${JSON.stringify(entry)}`);
  }
}

/** In words how an attempt ended, where both sides agree about it; `undefined` where they don't. */
function endOf(exchange) {
  const { attempt, entry, sent, backend } = exchange;
  const { status, code } = attempt;
  if (sent.backend !== attempt.backend) return undefined;
  if (wasGivenUp(exchange)) return givenUp(exchange);
  if (code === undefined) return answered(exchange);
  if (code === OWN_BODY_FAILED)
    return [undefined, 'received'].includes(entry?.did) ? "the caller's body failed" : undefined;
  if (status !== undefined && entry?.status !== status) return undefined;
  if (entry?.did === 'reset' && status === undefined) return 'reset';
  if (entry?.did === 'truncated') return 'truncated';
  if (code === 'ECONNREFUSED') return entry === undefined && wasAway(exchange, backend) ? 'refused' : undefined;
  return wasAway(exchange, backend) || wasBroken(exchange, backend) ? 'broken off' : undefined;
}

/** The status came whole; only a stream may break off afterwards, which is then its reader's to notice. */
function answered({ attempt: { status }, entry, request }) {
  if (entry?.status !== status) return undefined;
  if (entry.did === 'answered') return `answered with ${status}`;
  return entry.did === 'truncated' && request.config.responseType === 'stream'
    ? 'truncated while it was read'
    : undefined;
}

/** By the caller, or because its time was over: neither without cause. */
function wasGivenUp({ attempt: { code, duration }, request: { config, began, ended, cancelled } }) {
  if (code === 'ERR_CANCELED') return cancelled;
  const late = config.timeout > 0 && ended - began >= config.timeout - 2;
  return code === 'ECONNABORTED' && (duration >= ATTEMPT_TIMEOUT - 2 || late);
}

/** Whatever the server did; but an answer must not have been there in time. */
function givenUp({ entry, sent, lag }) {
  if (entry?.did !== 'answered') return 'given up';
  return entry.at >= sent.until - lag ? 'answered too late' : undefined;
}

function wasAway({ sent: { at, until }, lag }, { absences }) {
  return absences.some(({ from, to }) => from <= until && to >= at - lag);
}

function wasBroken({ sent: { at, until }, lag }, { departures }) {
  return departures.some((time) => time >= at - lag && time <= until);
}
