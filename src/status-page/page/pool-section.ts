import type { BackendReport, PoolHistory, TimedEvent } from '../monitor';
import { Timeline } from '../timeline';
import { Chart } from './chart';
import { html, setText } from './dom';
import { BackendTable } from './table';
import { describe, plural, STATES } from './words';

/** The most events in the list. */
const MAX_EVENTS = 60;

let sections = 0;

/** The part of the page that shows one pool. */
export class PoolSection {
  readonly element: HTMLElement;
  readonly #summary = html('p', { class: 'summary' });
  readonly #table: BackendTable;
  readonly #chart = new Chart();
  readonly #events: HTMLOListElement;
  #backends: readonly BackendReport[] = [];
  #timeline: Timeline | undefined;

  constructor(name: string) {
    const id = `pool-${String(++sections)}`;
    this.#table = new BackendTable(`Backends of ${name}`);
    // It scrolls, so it takes the focus: the keyboard must be able to scroll it.
    this.#events = html('ol', { class: 'events', tabindex: 0, 'aria-label': `Latest events of ${name}` });
    this.element = html(
      'section',
      { class: 'pool', 'aria-labelledby': id },
      html('div', { class: 'head' }, html('h2', { id }, name), this.#summary),
      this.#table.element,
      html('h3', {}, 'Timeline'),
      this.#chart.element,
      html('h3', {}, 'Latest events'),
      this.#events,
    );
    this.#showQuiet();
  }

  /** How many backends can't be used now. */
  get out(): number {
    return this.#backends.filter(({ state }) => state === 'cooling').length;
  }

  /** Returns the changes of states in words. */
  update(backends: readonly BackendReport[], at: number): string[] {
    const before = new Map(this.#backends.map(({ name, state }) => [name, state]));
    this.#backends = backends;
    this.#table.update(backends, at, this.#timeline);
    const counts = Object.entries(STATES)
      .map(([state, words]) => [backends.filter((each) => each.state === state).length, words.toLowerCase()] as const)
      .filter(([number]) => number > 0)
      .map(([number, words]) => `${String(number)} ${words}`);
    const scopesOut = backends.flatMap(({ cooldowns }) => [
      ...new Set(cooldowns.filter(isOut).map(({ scope }) => scope)),
    ]);
    const deployments = scopesOut.length > 0 ? `, ${plural(scopesOut.length, 'deployment')} out` : '';
    setText(this.#summary, `${plural(backends.length, 'backend')}: ${counts.join(', ')}${deployments}`);
    return backends
      .filter(({ name, state }) => before.has(name) && before.get(name) !== state)
      .map(({ name, state }) => `${name}: ${STATES[state] ?? state}`);
  }

  /** Replaces what is shown of the past. */
  restore({ timeline, events }: PoolHistory, now: number): void {
    this.#timeline = Timeline.from(timeline);
    this.#events.replaceChildren();
    for (const event of events.slice(-MAX_EVENTS)) this.#list(event);
    if (events.length === 0) this.#showQuiet();
    this.#table.update(this.#backends, now, this.#timeline);
    this.draw(now);
  }

  add(event: TimedEvent): void {
    this.#timeline?.add(event, event.at);
    if (describe(event)[0] !== 'answered') this.#list(event);
  }

  tick(now: number): void {
    this.#table.tick(now);
  }

  draw(now: number): void {
    if (this.#timeline !== undefined) this.#chart.draw(this.#backends, this.#timeline, now);
  }

  #showQuiet(): void {
    this.#events.replaceChildren(html('li', { class: 'faint' }, 'No events yet'));
  }

  #list(event: TimedEvent): void {
    const [kind, words] = describe(event);
    const date = new Date(event.at);
    const time = html('time', { datetime: date.toISOString() }, date.toLocaleTimeString('en-GB'));
    if (this.#events.firstElementChild?.className === 'faint') this.#events.replaceChildren();
    this.#events.prepend(html('li', { 'data-kind': kind }, time, html('span', { class: 'what' }, words)));
    if (this.#events.children.length > MAX_EVENTS) this.#events.lastElementChild?.remove();
  }
}

/** Whether it keeps a deployment out. An oversized wait ranks it behind the others. */
function isOut({ scope, reason }: BackendReport['cooldowns'][number]): boolean {
  return scope !== undefined && reason !== 'oversized';
}
