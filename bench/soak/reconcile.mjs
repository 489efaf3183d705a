import { ATTEMPT_TIMEOUT } from './client.mjs';
import { OWN_BODY_FAILED } from './requests.mjs';

/**
 * Compares the attempts that callers received with what was sent and with the logs of the servers, entry by entry.
 *
 * @param requests by id: `{ config, began, ended, cancelled, attempts, sent }`
 * @param lag ms by which one side may see something later than the other
 * @returns how many attempts ended in which way; contradictions go to `problem`
 */
export function reconcile(requests, backends, lag, problem) {
  const counts = {};
  for (const [id, request] of requests) {
    const { attempts = [], sent } = request;
    if (attempts.length !== sent.length)
      problem(`${id} sent ${sent.length} attempts and reported ${attempts.length}: ${JSON.stringify(attempts)}`);
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

/** Every attempt in the log of a server must have been reported to a caller. */
function unaccounted({ name, log }, requests, problem) {
  for (const [key, entry] of log) {
    const [id, attempt] = key.split('/');
    if (requests.get(id)?.attempts?.[attempt]?.backend !== name)
      problem(`${name} received ${key}, which no caller knows of: ${JSON.stringify(entry)}`);
  }
}

/** How an attempt ended, in words. `undefined` if the two sides disagree. */
function endOf(exchange) {
  const { attempt, entry, sent, backend } = exchange;
  const { status, code } = attempt;
  if (sent.backend !== attempt.backend) return undefined;
  if (wasAborted(exchange)) return aborted(exchange);
  if (code === undefined) return answered(exchange);
  if (code === OWN_BODY_FAILED)
    return [undefined, 'received'].includes(entry?.did) ? "the caller's body failed" : undefined;
  if (status !== undefined && entry?.status !== status) return undefined;
  if (entry?.did === 'reset' && status === undefined) return 'reset';
  if (entry?.did === 'truncated') return 'truncated';
  if (code === 'ECONNREFUSED') return entry === undefined && wasAway(exchange, backend) ? 'refused' : undefined;
  return wasAway(exchange, backend) || wasBroken(exchange, backend) ? 'connection broken' : undefined;
}

/** The status arrived. A stream may still break afterwards, which its reader notices. */
function answered({ attempt: { status }, entry, request }) {
  if (entry?.status !== status) return undefined;
  if (entry.did === 'answered') return `answered with ${status}`;
  return entry.did === 'truncated' && request.config.responseType === 'stream' ? 'truncated while reading' : undefined;
}

/** Cancelled by the caller or timed out, if there was a reason for it. */
function wasAborted({ attempt: { code, duration }, request: { config, began, ended, cancelled } }) {
  if (code === 'ERR_CANCELED') return cancelled;
  const late = config.timeout > 0 && ended - began >= config.timeout - 2;
  return code === 'ECONNABORTED' && (duration >= ATTEMPT_TIMEOUT - 2 || late);
}

/** Anything may have happened on the server, except an answer in time. */
function aborted({ entry, sent, lag }) {
  if (entry?.did !== 'answered') return 'cancelled or timed out';
  return entry.at >= sent.until - lag ? 'answered too late' : undefined;
}

function wasAway({ sent: { at, until }, lag }, { absences }) {
  return absences.some(({ from, to }) => from <= until && to >= at - lag);
}

function wasBroken({ sent: { at, until }, lag }, { departures }) {
  return departures.some((time) => time >= at - lag && time <= until);
}
