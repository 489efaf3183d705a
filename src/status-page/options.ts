import { dictionary, duration, must, optional, resolveOptions, showType } from '../base/check';
import { BackendPool } from '../pool/pool';

/** Options of the status page. `undefined` means the default. */
export interface StatusPageOptions {
  /** The page's title. Default: `'Backends'` */
  readonly title?: string | undefined;
  /**
   * The path that the page is mounted below, such as `'/status'`, where the server passes on the whole URL, as
   * `node:http` does. Express removes the path itself. Default: `'/'`
   */
  readonly path?: string | undefined;
  /** ms that the timeline and the list of events reach back. They are also bounded in number. Default: 300 000 */
  readonly history?: number | undefined;
  /** The most pages that can be open at once. A further one gets a 503 and tries again. Default: 100 */
  readonly maxClients?: number | undefined;
}

export type Settings = { readonly [K in keyof StatusPageOptions]-?: Exclude<StatusPageOptions[K], undefined> };

export function checkOptions(options: unknown): Settings {
  const settings = resolveOptions<Settings>(options, 'options', {
    title: optional('Backends', 'be a string', (value) => typeof value === 'string'),
    path: optional(
      '/',
      'begin with "/" and have no query',
      (value) => typeof value === 'string' && /^\/[^?#]*$/.test(value),
    ),
    history: duration(300_000),
    maxClients: optional(100, 'be an integer ≥ 0', (value) => Number.isInteger(value) && (value as number) >= 0),
  });
  // As it is in a request.
  const { pathname } = new URL(`http://localhost${settings.path}`);
  return { ...settings, path: pathname.replace(/\/+$/, '') };
}

/** The pools under their names. A single one is called `pool`. */
export function checkPools(value: unknown): ReadonlyMap<string, BackendPool> {
  if (BackendPool.isPool(value)) return new Map([['pool', value]]);
  const pools = Object.entries(dictionary(value, 'pools'));
  must(pools.length > 0, 'pools', 'have at least one pool', value, () => 'none');
  for (const [name, pool] of pools) must(BackendPool.isPool(pool), `pools.${name}`, 'be a BackendPool', pool, showType);
  return new Map(pools as [string, BackendPool][]);
}
