import { getEventListeners, once } from 'node:events';
import { longLived } from './requests.mjs';

/** ms in which an unused connection must become free or closed. */
const SOON = 2000;

/** Closes clients, servers and their connections. Returns what failed to close. */
export async function closed(httpAgent, backends) {
  const problems = [];
  const signal = AbortSignal.timeout(SOON);
  // No request is running, so a socket still in use belongs to a response that was not released. (Node's agent may keep
  // listing a socket that was destroyed before it was connected.)
  for (const socket of all(httpAgent.sockets).filter(({ destroyed }) => !destroyed)) {
    const done = [once(socket, 'free', { signal }), once(socket, 'close', { signal })];
    await Promise.any(done).catch(() => problems.push(`a socket is still in use by ${socket._httpMessage?.path}`));
  }
  if (all(httpAgent.requests).length > 0) problems.push('a request is still waiting for a socket');
  const sockets = [...all(httpAgent.sockets), ...all(httpAgent.freeSockets)].filter(({ closed }) => !closed);
  const ended = sockets.map((socket) => once(socket, 'close').catch(() => undefined));
  httpAgent.destroy();
  await Promise.all([...ended, ...backends.map((backend) => backend.end())]);
  // A handle is released in the turn after its close event.
  await new Promise((resolve) => setImmediate(resolve));
  return problems;
}

/** What the package still holds at the end: connections, timers, listeners, or pending attempts. */
export function leftBehind(pool, requests) {
  const problems = [];
  const open = process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind));
  if (open.length > 0) problems.push(`left behind: ${open.join(', ')}`);
  for (const { name, pending } of pool.snapshot()) if (pending !== 0) problems.push(`${name} has ${pending} pending`);
  const all = [longLived, ...requests.map(({ config }) => config)];
  const signals = new Set(all.map(({ signal }) => signal).filter(Boolean));
  const tokens = new Set(all.map(({ cancelToken }) => cancelToken).filter(Boolean));
  const listeners = [...signals].reduce((sum, signal) => sum + getEventListeners(signal, 'abort').length, 0);
  // axios's cancel tokens have no public list of listeners.
  const subscribers = [...tokens].reduce((sum, { _listeners }) => sum + (_listeners?.length ?? 0), 0);
  if (listeners > 0) problems.push(`${listeners} listeners left on signals`);
  if (subscribers > 0) problems.push(`${subscribers} listeners left on cancel tokens`);
  return problems;
}

function all(lists) {
  return Object.values(lists).flat();
}
