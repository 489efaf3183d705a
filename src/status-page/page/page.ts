import type { PoolHistory, TimedEvent } from '../monitor';
import type { StatusSnapshot } from '../status-page';
import { setAttribute, setChildren, setText } from './dom';
import { PoolSection } from './pool-section';

/** ms between two steps of the bars */
const TICK = 250;
/** ms between two drawings of the timeline */
const DRAWING = 1_000;
/** ms until a page that was turned away asks again */
const RETRY = 5_000;

const connection = document.querySelector('#connection')!;
const changes = document.querySelector('#changes')!;
const pools = document.querySelector('#pools')!;
const title = document.title;
const sections = new Map<string, PoolSection>();

/** The server's clock minus this one's, in ms. */
let offset = 0;
let isLive = false;
let drawnAt = 0;

const now = () => Date.now() + offset;

function sectionOf(pool: string): PoolSection {
  let section = sections.get(pool);
  if (section === undefined) sections.set(pool, (section = new PoolSection(pool)));
  return section;
}

function showConnection(state: 'live' | 'lost'): void {
  isLive = state === 'live';
  const time = new Date().toLocaleTimeString('en-GB');
  setAttribute(connection, 'data-state', state);
  setText(connection, isLive ? 'Live' : `Connection lost at ${time}. Trying again …`);
}

function showSnapshot({ at, pools: all }: StatusSnapshot): void {
  offset = at - Date.now();
  const told: string[] = [];
  const shown = Object.entries(all).map(([name, { backends }]) => {
    const section = sectionOf(name);
    told.push(...section.update(backends, at));
    return section;
  });
  setChildren(
    pools,
    shown.map(({ element }) => element),
  );
  pools.removeAttribute('aria-busy');
  if (told.length > 0) setText(changes, told.join('. '));
  const out = shown.reduce((sum, section) => sum + section.out, 0);
  document.title = out > 0 ? `(${String(out)} out) ${title}` : title;
}

function connect(): void {
  const stream = new EventSource('events');
  const on = (type: string, handle: (data: never) => void) =>
    stream.addEventListener(type, ({ data }: MessageEvent<string>) => handle(JSON.parse(data) as never));
  on('snapshot', (snapshot: StatusSnapshot) => {
    if (!isLive) showConnection('live');
    showSnapshot(snapshot);
  });
  on('history', (history: { readonly pools: Readonly<Record<string, PoolHistory>> }) => {
    for (const [name, past] of Object.entries(history.pools)) sectionOf(name).restore(past, now());
  });
  on('pool', (event: TimedEvent & { readonly pool: string }) => sectionOf(event.pool).add(event));
  stream.addEventListener('error', () => {
    if (isLive || connection.getAttribute('data-state') === 'connecting') showConnection('lost');
    // The browser connects again by itself, but not after a 503.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RETRY);
  });
}

function tick(): void {
  // What the page doesn't know doesn't move on.
  if (!isLive || document.hidden) return;
  const time = now();
  for (const section of sections.values()) section.tick(time);
  if (Math.abs(time - drawnAt) >= DRAWING) draw();
}

function draw(): void {
  drawnAt = now();
  for (const section of sections.values()) section.draw(drawnAt);
}

connect();
setInterval(tick, TICK);
addEventListener('resize', draw);
