import axios from 'axios';
import { attachPriorityAdapter, priorityAdapter } from '../../src';

const ok = { baseURL: 'a.example' };

const client = axios.create();

const nested = 'options.adapter is a priority adapter; pass the adapter that it wraps';

test.each<[string, unknown, string]>([
  ['a number', 7, 'options.adapter must be a function, a name or a list of them, got 7'],
  ['null', null, 'options.adapter must be a function, a name or a list of them, got null'],
  ['an axios instance', client, 'options.adapter is an axios instance; pass its defaults.adapter'],
  [
    'an empty list',
    [],
    'options.adapter: There is no suitable adapter to dispatch the request as no adapter specified',
  ],
  ['an unknown name', 'nope', "options.adapter: Unknown adapter 'nope'"],
  ['a priority adapter', priorityAdapter([ok]), nested],
  ['a list with a priority adapter', ['nope', priorityAdapter([ok])], nested],
  ['a list of a priority adapter alone', [priorityAdapter([ok])], nested],
])('%s is refused as the adapter to wrap', (_, adapter, message) => {
  for (const make of [priorityAdapter, attachPriorityAdapter.bind(undefined, axios.create())]) {
    expect(() => make([ok], { adapter } as never)).toThrow(TypeError);
    expect(() => make([ok], { adapter } as never)).toThrow(message);
  }
});

test.each<[string, object]>([
  ['interceptors', client.interceptors],
  ['defaults', client.defaults],
])('a function that only has a field `%s` of an axios instance is accepted as an adapter', (name, value) => {
  const adapter = Object.assign(() => Promise.reject(new Error('unused')), { [name]: value });
  expect(() => priorityAdapter([ok], { adapter })).not.toThrow();
});

test('axios’s own error is the cause of the error for an adapter that it does not have', () => {
  let error: unknown;
  try {
    priorityAdapter([ok], { adapter: 'nope' as never });
  } catch (thrown) {
    error = thrown;
  }
  expect((error as Error).cause).toBeInstanceOf(axios.AxiosError);
});
