import type { PoolEvent } from '../../pool/events';
import { outcomeOf } from '../timeline';

/** What a state means to the people who look at the page. */
export const STATES: Readonly<Record<string, string>> = {
  available: 'Available',
  trial: 'On trial',
  reserve: 'In reserve',
  cooling: 'Cooling',
};

const REASONS: Readonly<Record<string, string>> = {
  throttled: 'throttled',
  'server-error': 'server error',
  connection: 'no connection',
  ambiguous: 'connection broke',
  timeout: 'timed out',
  'client-error': 'client error',
  credential: 'credential refused',
  oversized: 'wait too long',
  manual: 'by hand',
};

export function reasonIn(reason: string): string {
  return REASONS[reason] ?? reason;
}

/** A duration in words: `350 ms`, `4.2 s`, `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function lasting(ms: number): string {
  if (ms < 999.5) return `${String(Math.round(ms))} ms`;
  if (ms < 9_950) return `${(Math.round(ms / 100) / 10).toString()} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${String(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, 'min', seconds % 60, 's');
  return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function two(first: number, unit: string, second: number, smaller: string): string {
  return `${String(first)} ${unit}${second > 0 ? ` ${String(second)} ${smaller}` : ''}`;
}

/** What is left of a cooldown, in whole seconds: the text changes once a second. */
export function left(ms: number): string {
  return `${lasting(Math.max(1, Math.ceil(ms / 1_000)) * 1_000)} left`;
}

/** A number as people read it: `1,234`, `1.2M`. */
export function count(number: number): string {
  const options = number < 1e6 ? {} : ({ notation: 'compact', maximumFractionDigits: 1 } as const);
  return new Intl.NumberFormat('en', options).format(number);
}

export function plural(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? '' : 's'}`;
}

/** The event's kind, which sets its colour, and the event in words. */
export function describe(event: PoolEvent): readonly [kind: string, words: string] {
  switch (event.type) {
    case 'attempt':
      return [outcomeOf(event), attemptIn(event)];
    case 'cooldown': {
      const { reason, duration } = event;
      const does = reason === 'oversized' ? 'ranks behind the others for' : 'is out for';
      return ['cooldown', `${subject(event)} ${does} ${lasting(duration)}: ${reasonIn(reason)}`];
    }
    case 'recovered':
      return ['recovered', `${subject(event)} is back`];
    case 'waiting':
      return ['waiting', `A request waits ${lasting(event.duration)} for a backend`];
    case 'exhausted':
      return ['exhausted', `A request found no backend; one is available in ${lasting(event.retryAfter)}`];
  }
}

function subject({ backend, scope }: { readonly backend: string; readonly scope?: string }): string {
  return scope === undefined ? backend : `${scope} on ${backend}`;
}

function attemptIn(attempt: PoolEvent & { readonly type: 'attempt' }): string {
  const { backend, scope, status, code, reason, duration } = attempt;
  const how = [status, code].filter((each) => each !== undefined).join(', ');
  const why = reason === undefined || reason === 'stale' ? '' : reasonIn(reason);
  const detail = [how, why].filter((each) => each !== '').join(', ');
  const does = { throttled: 'refused', failed: 'failed', answered: 'answered', other: 'ended' }[outcomeOf(attempt)];
  const again = reason === 'stale' ? 'connection was stale, sent again' : detail;
  const what = scope === undefined ? '' : outcomeOf(attempt) === 'throttled' ? ` ${scope}` : ` on ${scope}`;
  return `${backend} ${does}${what} after ${lasting(duration)}${again === '' ? '' : `: ${again}`}`;
}
