import { ATTEMPT_TIMEOUT, DEFAULT_COOLDOWN, MAX_COOLDOWN } from './client.mjs';
import { OWN_BODY_FAILED } from './requests.mjs';

/** What a failure may cost for which no server specified a wait. */
const LADDER = [];
for (let ms = DEFAULT_COOLDOWN; ms <= MAX_COOLDOWN; ms *= 2) LADDER.push(ms);

/**
 * Compares the attempts of a request, as its caller received them, with what was sent and with the logs of the servers, entry by
 * entry. Then it removes the entries.
 *
 * @param request `{ config, began, ended, cancelled, attempts, sent }`
 * @param lag ms by which one side may see something later than the other
 * @returns how the attempts ended; contradictions go to `problem`
 */
export function reconcile(id, request, backends, lag, problem) {
  const { attempts = [], sent } = request;
  const ends = attempts.map((attempt, i) => {
    const backend = backends.find(({ name }) => name === attempt.backend);
    const entry = backend.log.get(`${id}/${i}`);
    backend.log.delete(`${id}/${i}`);
    const next = attempts[i + 1];
    const exchange = { attempt, next, entry, request, sent: sent[i], backend, lag };
    const end = sent[i] === undefined ? next === undefined && endOfUnsent(exchange) : endOf(exchange);
    if (!end) problem(`${id}/${i}: ${JSON.stringify({ attempt, next, sent: sent[i], entry })}`);
    const wrong = costOf(attempt, entry);
    if (wrong !== undefined) problem(`${id}/${i} ${wrong}: ${JSON.stringify({ attempt, entry })}`);
    return end;
  });
  if (sent.length > attempts.length)
    problem(`${id} sent ${sent.length} attempts and reported ${attempts.length}: ${JSON.stringify(attempts)}`);
  return ends;
}

/** Every attempt in the log of a server must have been reported to a caller, so nothing is left in it. */
export function unaccounted({ name, log }, problem) {
  for (const [key, entry] of log)
    problem(`${name} received ${key}, which no caller knows of: ${JSON.stringify(entry)}`);
}

/** Whether the attempt counts as a failure of its backend. A 4xx is about the request, and a stale connection is nobody's. */
export function isBlamed({ reason }) {
  return ![undefined, 'stale', 'client-error'].includes(reason);
}

/** What is wrong with what an attempt cost its backend, if anything is. */
function costOf(attempt, entry) {
  const { cooldown, status } = attempt;
  if (!isBlamed(attempt)) return cooldown === undefined ? undefined : 'cost a backend something that is not its fault';
  const asked = status >= 400 ? (entry?.wait ?? 0) : 0;
  if (asked > 0)
    return cooldown === asked ? undefined : `cost something else than the ${asked} ms that the server asked for`;
  return LADDER.includes(cooldown) ? undefined : 'cost something else than a step of the ladder';
}

/** How an attempt ended that sent nothing, in words. `undefined` if it should have. */
function endOfUnsent(exchange) {
  if (wasAborted(exchange)) return 'cancelled or timed out';
  // It failed when all of it that is kept had been read, and the attempt was about to begin.
  return exchange.attempt.code === OWN_BODY_FAILED ? "the caller's body failed" : undefined;
}

/** How an attempt ended, in words. `undefined` if the two sides disagree. */
function endOf(exchange) {
  const { attempt, entry, sent, backend } = exchange;
  const { status, code, reason } = attempt;
  if (sent.backend !== attempt.backend) return undefined;
  if (reason === 'stale') return stale(exchange);
  if (wasAborted(exchange)) return aborted(exchange);
  if (code === undefined) return answered(exchange);
  if (code === OWN_BODY_FAILED)
    return [undefined, 'received'].includes(entry?.did) ? "the caller's body failed" : undefined;
  if (status !== undefined && entry?.status !== status) return undefined;
  if (entry?.did === 'reset' && status === undefined) return 'reset';
  if (entry?.did === 'truncated') return 'truncated';
  if (code === 'ECONNREFUSED') return entry === undefined && wasAway(exchange, backend) ? 'refused' : undefined;
  return isBroken(exchange) ? 'connection broken' : undefined;
}

/** Sent again to the same backend, once, because the connection was closed. */
function stale(exchange) {
  const { attempt, next, entry, sent } = exchange;
  if (!sent.isReused) return undefined;
  if (next?.backend !== attempt.backend || next.reason === 'stale' || attempt.status !== undefined) return undefined;
  return entry?.did === 'reset' || isBroken(exchange) ? 'sent again after a stale connection' : undefined;
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

function isBroken(exchange) {
  const { backend } = exchange;
  const { departures, idleClosings } = backend;
  return wasAway(exchange, backend) || wasBroken(exchange, departures) || wasBroken(exchange, idleClosings);
}

function wasAway({ sent: { at, until }, lag }, { absences }) {
  return absences.some(({ from, to }) => from <= until && to >= at - lag);
}

function wasBroken({ sent: { at, until }, lag }, times) {
  return times.some((time) => time >= at - lag && time <= until + lag);
}
