/* Runs in every runtime, as checks.ts does. */
import { BackendPool, attemptsOf, priorityFetch } from '../../src/fetch';
import type { BackendOptions, FetchInit, PriorityFetchOptions } from '../../src/fetch';
import { WORDS, ranked, same } from './checks';
import type { Checks, Echo, Place } from './checks';

const post = (body: BodyInit = '{"model":"chat"}', init: FetchInit = {}): FetchInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body,
  ...init,
});

/** What must hold for `priorityFetch`, in every runtime. */
export function fetchChecksOf({ origin, elsewhere, refused, refusedCode, showsRedirects }: Place): Checks {
  const at = (name: string): BackendOptions => ({ baseURL: `${origin}/${name}`, name });
  const fetchOf = (backends: BackendOptions[], options?: PriorityFetchOptions) =>
    priorityFetch(ranked(backends), options);
  const URL_ = 'https://pool.invalid/v1/responses';
  const tried = (value: unknown) => attemptsOf(value).map(({ backend }) => backend);
  const rejectionOf = (promise: Promise<unknown>): Promise<Error> =>
    promise.then(
      () => new Error('it did not reject'),
      (error: unknown) => error as Error,
    );

  return {
    async 'priorityFetch: a POST fails over on a 429, each backend with its own key'() {
      const fetch = fetchOf([
        { ...at('throttle-60000'), apiKey: 'first' },
        { ...at('echo'), apiKey: 'second' },
      ]);
      const response = await fetch(URL_, post());
      const echo = (await response.json()) as Echo;
      same(
        [tried(response), echo.url, echo.body],
        [['throttle-60000', 'echo'], '/echo/v1/responses', '{"model":"chat"}'],
      );
      same([echo.headers['api-key'], response.attempts[0]?.cooldown], ['second', 60_000]);
      same(tried(await fetch(URL_, post())), ['echo']);
    },
    async 'priorityFetch: a form, bytes and a Request are sent again'() {
      const fetch = fetchOf([at('throttle-60000'), at('status-503'), at('echo')]);
      const form = new FormData();
      form.append('field', 'value');
      const headers = { 'x-kept': 'yes' };
      for (const [input, init, part] of [
        [URL_, { method: 'POST', body: form }, 'value'],
        [URL_, { method: 'POST', body: new TextEncoder().encode('bytes') }, 'bytes'],
        [new Request(URL_, { method: 'POST', body: 'of a Request', headers }), {}, 'of a Request'],
      ] as const) {
        fetch.pool.restore('throttle-60000');
        const { body } = (await (await fetch(input, init)).json()) as Echo;
        same([part, body.includes(part)], [part, true]);
      }
    },
    async 'priorityFetch: no backend left is a Response'() {
      const response = await fetchOf([at('throttle-60000')])(URL_, post());
      same([response instanceof Response, response.status, response.fabricated], [true, 429, true]);
      same((await response.text()).includes('No backend is available: 1 throttled. Retry after 60 s.'), true);
    },
    async 'priorityFetch: a refused connection goes to the next backend, for a POST only where the runtime tells'() {
      const fetch = fetchOf([{ baseURL: refused, name: 'refused' }, at('echo')]);
      same(tried(await fetch(URL_)), ['refused', 'echo']);
      fetch.pool.restore('refused');
      const result = await fetch(URL_, post()).catch((error: unknown) => error);
      same(tried(result), refusedCode === undefined ? ['refused'] : ['refused', 'echo']);
    },
    async 'priorityFetch: a cancel rejects with the reason of its signal, before and while it waits for a response'() {
      const fetch = fetchOf([at('hang')]);
      const reason = new Error('mine');
      same((await rejectionOf(fetch(URL_, { signal: AbortSignal.abort(reason) }))) === reason, true);
      const controller = new AbortController();
      const rejected = rejectionOf(fetch(URL_, { signal: controller.signal }));
      setTimeout(() => controller.abort(reason), 50);
      same((await rejected) === reason, true);
      same(fetch.pool.backends[0]?.failures, 0);
    },
    async 'priorityFetch: attemptTimeout goes to the next backend'() {
      const response = await fetchOf([at('hang'), at('echo')], { attemptTimeout: 200 })(URL_, post());
      same(tried(response), ['hang', 'echo']);
    },
    async 'priorityFetch: a refusal inside a streamed 200 fails over'() {
      const response = await fetchOf([at('refusal'), at('words')])(URL_, post());
      same([response.url.endsWith('/words/v1/responses'), response.redirected, response.ok], [true, false, true]);
      same([tried(response), await response.text()], [['refusal', 'words'], WORDS]);
    },
    async 'priorityFetch: a pool made by hand serves it, and a pinned request'() {
      const pool = new BackendPool(ranked([at('echo'), at('status-200')]));
      const response = await priorityFetch(pool)(URL_, { failover: { backend: 'status-200' } });
      same(tried(response), ['status-200']);
    },
    async 'priorityFetch: no key crosses an origin by redirect'() {
      const own = { apiKey: 'secret', headers: { 'x-tenant': 'secret' } };
      const fetch = fetchOf([{ ...at('redirect-307'), ...own }, at('echo')]);
      const url = `${URL_}?to=${encodeURIComponent(`${elsewhere}/echo/there`)}`;
      const result = await fetch(url, post()).catch((error: unknown) => error as Error);
      if (!showsRedirects) {
        same([result instanceof TypeError, tried(result)], [true, ['redirect-307']]);
        same(fetch.pool.backends[0]?.failures, 0);
        return;
      }
      const { headers, url: got, body } = (await (result as Response).json()) as Echo;
      same([got, body, (result as Response).redirected], ['/echo/there', '{"model":"chat"}', true]);
      same([headers['api-key'], headers['x-tenant']], [undefined, undefined]);
    },
    async 'priorityFetch: a relative URL is refused, and another scheme is left to fetch'() {
      const fetch = fetchOf([at('echo')]);
      same((await rejectionOf(fetch('/v1/responses'))) instanceof TypeError, true);
      const other = await fetch('data:,hello').catch(() => undefined);
      same([fetch.pool.backends[0]?.successes, other === undefined || other.status === 200], [0, true]);
    },
  };
}
