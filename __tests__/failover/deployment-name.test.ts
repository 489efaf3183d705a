import { stubPool, throttled } from '../support/stub-pool';

test('the name in a body is translated for each backend from the one that the caller gave', async () => {
  const { request, replies, configs } = stubPool({
    a: { deployments: { m: 'a-m' } },
    b: { priority: 2, deployments: { m: 'b-m' } },
    c: { priority: 3 },
  });
  replies.a = replies.b = 429;
  await request({ method: 'post', data: '{"model":"m"}' });
  expect(configs.map(({ data }) => data as unknown)).toStrictEqual([
    '{"model":"a-m"}',
    '{"model":"b-m"}',
    '{"model":"m"}',
  ]);
});

test('a body does not get parsed if no backend maps deployments', async () => {
  const parse = jest.spyOn(JSON, 'parse');
  const { request } = stubPool({ a: {} });
  await request({ method: 'post', data: '{"model":"m"}' });
  expect(parse).not.toHaveBeenCalled();
  parse.mockRestore();
});

test('the name in a URL counts, and that in the body is left alone', async () => {
  const { request, configs, replies } = stubPool({ a: { deployments: { m: 'a-m', n: 'a-n' } }, b: { priority: 2 } });
  replies.a = throttled(1000);
  const { attempts } = await request({ url: '/openai/deployments/m/chat', method: 'post', data: '{"model":"n"}' });
  expect(configs.map(({ url, data }) => [url, data as unknown])).toStrictEqual([
    ['/openai/deployments/a-m/chat', '{"model":"n"}'],
    ['/openai/deployments/m/chat', '{"model":"n"}'],
  ]);
  expect(attempts).toMatchObject([{ scope: 'a-m' }, { scope: 'm' }]);
});

test('a throttled deployment leaves the others of its backend available', async () => {
  const { request, tried, replies } = stubPool({ a: {}, b: { priority: 2 } });
  const chat = (model: string) => request({ method: 'post', data: JSON.stringify({ model }) });
  replies.a = throttled(60_000);
  await chat('m');
  replies.a = 200;
  await chat('m');
  await chat('n');
  expect(tried).toStrictEqual(['a', 'b', 'b', 'a']);
});
