import axios from 'axios';
import type { AxiosProgressEvent } from 'axios';
import { priorityAdapter } from '../../src';
import type { FakeBackend } from '../support/fake-backend';
import { startBackends, closeBackendsAfterEach } from '../support/fake-backend';
import { eventLoopTurn } from '../support/stub-pool';

closeBackendsAfterEach();

const big = 'x'.repeat(200_000);

describe.each(['http', 'fetch'])('over %s,', (wire) => {
  async function pairOf() {
    const [first, second] = (await startBackends(2)) as [FakeBackend, FakeBackend];
    const backends = [{ baseURL: first.url }, { baseURL: second.url, priority: 2 }];
    const adapter = priorityAdapter(backends, { adapter: wire });
    const up: number[] = [];
    const down: number[] = [];
    const note = (list: number[]) => (event: AxiosProgressEvent) => void list.push(event.loaded);
    const client = axios.create({ adapter, onUploadProgress: note(up), onDownloadProgress: note(down) });
    return { first, second, client, up, down };
  }

  test('download progress skips a refusal and covers the response that is returned', async () => {
    const { first, second, client, down } = await pairOf();
    first.always({ status: 503, body: big });
    second.always({ body: 'answer' });
    await client.get('/x');
    // axios reports the last event a moment later.
    await eventLoopTurn();
    expect(down).toStrictEqual([6]);
  });

  test('download progress skips a 404 that is returned to the caller', async () => {
    const { first, client, down } = await pairOf();
    first.always({ status: 404, body: big });
    await client.get('/x', { validateStatus: null });
    await eventLoopTurn();
    expect(down).toStrictEqual([]);
  });

  test('download progress skips the body of a redirect that the package follows', async () => {
    const { first, client, down } = await pairOf();
    first.always(({ url }, response) => {
      if (url === '/x') response.writeHead(302, { location: '/there' }).end(big);
      else response.end('there');
    });
    await client.get('/x');
    await eventLoopTurn();
    expect(down).toStrictEqual([5]);
  });

  test('download progress covers a 3xx that leads nowhere, and is returned', async () => {
    const { first, client, down } = await pairOf();
    first.always({ status: 300, body: 'choices' });
    await client.get('/x', { validateStatus: null });
    await eventLoopTurn();
    expect(down).toStrictEqual([7]);
  });

  test('upload progress restarts with the next attempt, and an abandoned attempt reports nothing more', async () => {
    const { first, second, client, up } = await pairOf();
    let before = Infinity;
    // It never replies.
    first.always(() => void (before = up.length));
    second.always((_, response) => void response.end());
    await client.post('/x', big, { failover: { attemptTimeout: 200 } });
    await eventLoopTurn();
    const ofSecond = up.slice(before);
    expect(ofSecond).toStrictEqual([...ofSecond].sort((a, b) => a - b));
    expect(ofSecond.at(-1)).toBe(big.length);
  });

  test('upload progress reports a body once, even if a redirect sends it again', async () => {
    const { first, client, up } = await pairOf();
    first.always(
      ({ url }, response) => void response.writeHead(url === '/x' ? 307 : 200, { location: '/there' }).end(),
    );
    await client.post('/x', big);
    await eventLoopTurn();
    expect(up.filter((loaded) => loaded === big.length)).toHaveLength(1);
  });
});

test('an attempt that failed reports nothing more, over any adapter', async () => {
  let late: (() => void) | undefined;
  const adapter = priorityAdapter([{ baseURL: 'a.example' }, { baseURL: 'b.example', priority: 2 }], {
    adapter: (config) => {
      const isFirst = config.baseURL === 'https://a.example';
      if (isFirst) late = () => config.onDownloadProgress?.({ loaded: 1 } as never);
      else late?.();
      return Promise.resolve({ status: isFirst ? 503 : 200, data: '', statusText: '', headers: {}, config });
    },
  });
  const onDownloadProgress = jest.fn();
  await axios.get('/x', { adapter, onDownloadProgress });
  expect(onDownloadProgress).not.toHaveBeenCalled();
});

test('an event without information about the response is passed on', async () => {
  const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
    adapter: (config) => {
      config.onDownloadProgress?.({ loaded: 1 } as never);
      return Promise.resolve({ status: 200, data: '', statusText: '', headers: {}, config });
    },
  });
  const onDownloadProgress = jest.fn();
  await axios.get('/x', { adapter, onDownloadProgress });
  expect(onDownloadProgress).toHaveBeenCalledTimes(1);
});

test('over XHR, progress of a refusal is recognised by its status and skipped', async () => {
  const adapter = priorityAdapter([{ baseURL: 'a.example' }], {
    adapter: (config) => {
      for (const status of [503, 200])
        config.onDownloadProgress?.({ loaded: status, event: { target: { status } } } as never);
      return Promise.resolve({ status: 200, data: '', statusText: '', headers: {}, config });
    },
  });
  const onDownloadProgress = jest.fn();
  await axios.get('/x', { adapter, onDownloadProgress });
  expect(onDownloadProgress.mock.calls).toStrictEqual([[expect.objectContaining({ loaded: 200 })]]);
});
