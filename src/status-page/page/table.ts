import type { BackendReport } from '../monitor';
import type { Timeline } from '../timeline';
import { html, setAttribute, setChildren, setText } from './dom';
import { count, left, reasonIn, STATES } from './words';

type Cooldown = BackendReport['cooldowns'][number];

const COLUMNS = ['Backend', 'State', 'Attempts', 'Answered', 'Throttled', 'Failed', 'In flight', 'Share, 1 min'];

/** The roles are told again since CSS takes them away where it shows rows as cards. */
const cell = (label: string, style: string) =>
  html('td', { role: 'cell', class: `number ${style}`, 'data-label': label });

/** A cooldown with its bar. */
class CooldownView {
  readonly element = html('div', { class: 'cooldown' });
  readonly #bar = html('div', { class: 'bar' });
  readonly #left = html('span', { class: 'left' });
  readonly #words = html('span');
  #until = 0;
  #total = 1;

  constructor() {
    this.element.append(
      html('div', { class: 'words' }, this.#words, this.#left),
      html('div', { class: 'track', 'aria-hidden': 'true' }, this.#bar),
    );
  }

  /** @param total ms that the cooldown lasts in all, if it is known */
  update({ scope, reason, remaining }: Cooldown, at: number, total: number | undefined): void {
    setText(this.#words, `${scope === undefined ? '' : `${scope}: `}${reasonIn(reason)}`);
    const until = at + remaining;
    // A page that saw no beginning takes what it saw first for the whole.
    if (total !== undefined) this.#total = Math.max(total, remaining, 1);
    else if (until > this.#until + 1_000) this.#total = Math.max(remaining, 1);
    this.#until = until;
    this.tick(at);
  }

  tick(now: number): void {
    const remaining = Math.max(0, this.#until - now);
    setText(this.#left, left(remaining));
    this.#bar.style.transform = `scaleX(${Math.min(1, remaining / this.#total).toFixed(4)})`;
  }
}

/** A row of the table. Its elements stay the same as long as the backend does. */
class BackendRow {
  readonly element = html('tr', { role: 'row' });
  readonly #name = html('span', { class: 'name' });
  readonly #where = html('span', { class: 'where' });
  readonly #origin = html('span', { class: 'where' });
  readonly #state = html('span', { class: 'state' });
  readonly #condition = html('td', { role: 'cell', class: 'condition' }, this.#state);
  readonly #attempts = cell('Attempts', '');
  readonly #answered = cell('Answered', '');
  readonly #throttled = cell('Throttled', 'throttled');
  readonly #failed = cell('Failed', 'failed');
  readonly #pending = cell('In flight', '');
  readonly #share = html('span');
  readonly #bar = html('div', { class: 'bar' });
  readonly #cooldowns = new Map<string, CooldownView>();

  constructor() {
    const track = html('div', { class: 'track', 'aria-hidden': 'true' }, this.#bar);
    const share = html('td', { role: 'cell', class: 'number share', 'data-label': 'Share' }, this.#share, track);
    this.element.append(
      html('th', { role: 'rowheader', scope: 'row' }, this.#name, this.#where, this.#origin),
      this.#condition,
      ...[this.#attempts, this.#answered, this.#throttled, this.#failed, this.#pending, share],
    );
  }

  update(backend: BackendReport, at: number, timeline: Timeline | undefined): void {
    const { name, baseURL, priority, weight, state, attempts, answered, throttled, failed, pending, share } = backend;
    setText(this.#name, name);
    setText(this.#where, `Priority ${String(priority)}, weight ${String(weight)}`);
    setText(this.#origin, baseURL);
    setText(this.#state, STATES[state] ?? state);
    setAttribute(this.#state, 'data-state', state);
    setAttribute(this.element, 'data-state', state);
    this.#number(this.#attempts, attempts);
    this.#number(this.#answered, answered);
    this.#number(this.#throttled, throttled);
    this.#number(this.#failed, failed);
    this.#number(this.#pending, pending);
    setText(this.#share, `${String(Math.round(share * 100))} %`);
    this.#bar.style.transform = `scaleX(${share.toFixed(4)})`;
    this.#updateCooldowns(backend, at, timeline);
  }

  tick(now: number): void {
    for (const cooldown of this.#cooldowns.values()) cooldown.tick(now);
  }

  #number(element: Element, value: number): void {
    setText(element, count(value));
    element.classList.toggle('zero', value === 0);
  }

  #updateCooldowns({ name, cooldowns }: BackendReport, at: number, timeline: Timeline | undefined): void {
    const spans = timeline?.spansOf(name, at) ?? [];
    const views = cooldowns.map((cooldown) => {
      const { scope, reason } = cooldown;
      const key = JSON.stringify([scope, reason]);
      const view = this.#cooldowns.get(key) ?? new CooldownView();
      const span = spans.findLast((each) => each.scope === scope && each.reason === reason && each.to > at);
      view.update(cooldown, at, span && span.to - span.from);
      return [key, view] as const;
    });
    this.#cooldowns.clear();
    for (const [key, view] of views) this.#cooldowns.set(key, view);
    setChildren(this.#condition, [this.#state, ...views.map(([, view]) => view.element)]);
  }
}

/** The table of the backends of a pool. */
export class BackendTable {
  readonly element: HTMLTableElement;
  readonly #body = html('tbody', { role: 'rowgroup' });
  readonly #rows = new Map<string, BackendRow>();

  constructor(label: string) {
    const heads = COLUMNS.map((name) => {
      const style = name === 'State' ? { class: 'condition' } : {};
      return html('th', { role: 'columnheader', scope: 'col', ...style }, name);
    });
    const head = html('thead', { role: 'rowgroup' }, html('tr', { role: 'row' }, ...heads));
    this.element = html('table', { role: 'table', 'aria-label': label }, head, this.#body);
  }

  update(backends: readonly BackendReport[], at: number, timeline: Timeline | undefined): void {
    const names = new Set(backends.map(({ name }) => name));
    for (const name of this.#rows.keys()) if (!names.has(name)) this.#rows.delete(name);
    const rows = backends.map((backend) => {
      const row = this.#rows.get(backend.name) ?? new BackendRow();
      this.#rows.set(backend.name, row);
      row.update(backend, at, timeline);
      return row.element;
    });
    setChildren(this.#body, rows);
  }

  tick(now: number): void {
    for (const row of this.#rows.values()) row.tick(now);
  }
}
