import fc from 'fast-check';
import { modelOf } from '../../src/http/body-model';
import { closeBackendsAfterEach } from '../support/fake-backend';
import { sent } from '../support/renamed-deployments';

closeBackendsAfterEach();

describe('a model name in the body', () => {
  const odd =
    '{ "a":1.0e400, "big":12345678901234567890, "mod\\u0065l" : "gpt-4o" ,"nested":{"model":"gpt-4o"},"list":["model","gpt-4o",{"model":"embed"}],"text":"\\"model\\":\\"gpt-4o\\" \\u00fc","z":"ü"}';

  test('is replaced without touching any other byte, and Content-Length is corrected', async () => {
    const { body, headers } = await sent({
      url: '/openai/v1/chat/completions',
      data: odd,
      headers: { 'Content-Length': '3' },
    });
    expect(body.toString()).toBe(odd.replace('"gpt-4o" ,"nested"', '"east gpt/4o" ,"nested"'));
    expect(headers['content-length']).toBe(String(body.length));
  });

  test.each<[string, unknown]>([
    ['a Buffer', Buffer.from(odd)],
    ['an ArrayBuffer', new TextEncoder().encode(odd).buffer],
    ['a typed array', new TextEncoder().encode(odd)],
  ])('is replaced in %s', async (_, data) => {
    const { body } = await sent({
      url: '/openai/v1/responses',
      data,
      transformRequest: [
        (value: unknown) => (value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value) : value),
      ],
    });
    expect(JSON.parse(body.toString())).toMatchObject({ model: 'east gpt/4o', nested: { model: 'gpt-4o' } });
  });

  test.each<[string, unknown]>([
    ['a body that is not JSON', 'model=gpt-4o&"model":"gpt-4o"'],
    ['JSON without a model', '{"a":{"model":"gpt-4o"}}'],
    ['a JSON body whose model is not a string', '{"model":["gpt-4o"]}'],
    ['a JSON array', '[{"model":"gpt-4o"}]'],
    ['a JSON string', '"gpt-4o"'],
    ['null', 'null'],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x7b])],
    ['JSON with a byte that is not UTF-8', Buffer.from('{"model":"gpt-4o","text":"\xff"}', 'latin1')],
    ['JSON with an unmapped name', '{"model":"unknown"}'],
  ])('is left alone in %s', async (_, data) => {
    const { body } = await sent({ url: '/openai/v1/x', data, transformRequest: [] });
    expect(body).toStrictEqual(Buffer.from(data as string));
  });

  test('is the only thing that changes, in any JSON object', () => {
    const body = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(body, fc.string(), fc.string(), fc.constantFrom(undefined, 1, '\t'), (rest, from, to, indent) => {
        const given = { ...rest, model: from };
        const renamed = modelOf(JSON.stringify(given, null, indent))?.renamed(to);
        expect(renamed).toBe(JSON.stringify({ ...given, model: to }, null, indent));
      }),
    );
  });

  test('is replaced without changing the kind of the body', () => {
    const text = '{"model":"m"}';
    expect(modelOf(text)?.renamed('n')).toBe('{"model":"n"}');
    // Bytes become an ArrayBuffer, which the http adapter and browsers accept.
    for (const bytes of [Buffer.from(text), new TextEncoder().encode(text), new TextEncoder().encode(text).buffer]) {
      const renamed = modelOf(bytes)?.renamed('n');
      expect(Object.prototype.toString.call(renamed)).toBe('[object ArrayBuffer]');
      expect(Buffer.from(renamed as ArrayBuffer).toString()).toBe('{"model":"n"}');
    }
  });

  test.each(['{"model":7}', '{"a":1}', 'null', '"m"', '7', '["model"]', 'model'])('is not found in %s', (text) => {
    expect(modelOf(text)).toBeUndefined();
  });

  test('that occurs several times counts as the last one, and all are replaced', () => {
    expect(modelOf('{"model":"x","model":"y"}')).toMatchObject({ name: 'y' });
    expect(modelOf('{"model":"x","model":"y"}')?.renamed('z')).toBe('{"model":"z","model":"z"}');
    expect(modelOf('{"model":{"x":"y"},"model":"m"}')?.renamed('z')).toBe('{"model":{"x":"y"},"model":"z"}');
  });

  test('is found in a body of several megabytes', () => {
    const image = 'A'.repeat(8_000_000);
    expect(String(modelOf(`{"image":"${image}","model":"m"}`)?.renamed('n')).slice(-13)).toBe(',"model":"n"}');
  });
});

describe('the model of a body of any size', () => {
  const renamed = (text: string): unknown => modelOf(text)?.renamed('own');

  test.each<[string, string, string]>([
    ['a key that is written with escapes', '{"mod\\u0065l":"chat"}', '{"mod\\u0065l":"own"}'],
    ['a byte order mark', '\ufeff{"model":"chat"}', '\ufeff{"model":"own"}'],
    ['the name as another value', '{"a":"model","b":"chat","model":"chat"}', '{"a":"model","b":"chat","model":"own"}'],
    ['a nested model', '{"x":{"model":"chat"},"model" : "chat"}', '{"x":{"model":"chat"},"model" : "own"}'],
    ['a list of models', '{"x":["model","chat"],"model":"chat"}', '{"x":["model","chat"],"model":"own"}'],
    ['an escaped quote before it', '{"x":"\\"model\\":","model":"chat"}', '{"x":"\\"model\\":","model":"own"}'],
  ])('is replaced with %s', (_, text, expected) => {
    expect(renamed(text)).toBe(expected);
  });

  test('is replaced in time proportional to five million escapes', () => {
    const content = String.raw`\n`.repeat(5_000_000);
    const text = `{"messages":[{"content":"${content}"}],"model":"chat"}`;
    const started = process.cpuUsage();
    expect(renamed(text) === `{"messages":[{"content":"${content}"}],"model":"own"}`).toBe(true);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(10_000);
  });

  test('is replaced after a key of five million escapes', () => {
    const key = String.raw`\n`.repeat(5_000_000);
    expect(renamed(`{"${key}":1,"model":"chat"}`) === `{"${key}":1,"model":"own"}`).toBe(true);
  });

  test('is replaced, or left alone, whatever the depth of nesting', () => {
    const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
    const text = `{"x":${deep},"model":"chat"}`;
    expect([undefined, `{"x":${deep},"model":"own"}`].some((each) => each === renamed(text))).toBe(true);
  });

  test('is replaced as a parser would read it, in any JSON', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('model', 'a', 'b"', 'mod\\'), fc.jsonValue()),
        fc.nat(3),
        (body, spaces) => {
          const given = { ...body, model: 'chat' };
          expect(JSON.parse(renamed(JSON.stringify(given, null, spaces)) as string)).toStrictEqual(
            JSON.parse(JSON.stringify({ ...given, model: 'own' })),
          );
        },
      ),
    );
  });
});

test('a polluted Object.prototype names no model', () => {
  Object.defineProperty(Object.prototype, 'model', { value: 'polluted', configurable: true });
  try {
    expect(modelOf('{"input":"hi"}')).toBeUndefined();
  } finally {
    Reflect.deleteProperty(Object.prototype, 'model');
  }
});

describe('a form of a subclass', () => {
  class Upload extends FormData {
    constructor(fields: Record<string, string>) {
      super();
      for (const [name, value] of Object.entries(fields)) this.append(name, value);
    }
  }

  class WithDefault extends FormData {
    constructor() {
      super();
      this.append('purpose', 'assistants');
    }
  }

  test('is copied without its constructor, which may add fields or need arguments', () => {
    const withDefault = new WithDefault();
    withDefault.append('model', 'm');
    for (const [form, expected] of [
      [new Upload({ purpose: 'batch', model: 'm' }), [['purpose', 'batch']]],
      [withDefault, [['purpose', 'assistants']]],
    ] as const) {
      const renamed = modelOf(form)!.renamed('n') as FormData;
      expect([...renamed.entries()]).toStrictEqual([...expected, ['model', 'n']]);
      expect(form.get('model')).toBe('m');
    }
  });
});

test('a form of a polyfill is copied by its own class', () => {
  class Polyfill {
    readonly [Symbol.toStringTag] = 'FormData';
    readonly #fields: [string, string][] = [];
    append(...field: [string, string]): void {
      this.#fields.push(field);
    }
    get(name: string): string | undefined {
      return this.#fields.find(([given]) => given === name)?.[1];
    }
    entries(): Iterable<[string, string]> {
      return this.#fields;
    }
  }
  const form = new Polyfill();
  form.append('model', 'm');
  const renamed = modelOf(form)!.renamed('n');
  expect(renamed).toBeInstanceOf(Polyfill);
  expect((renamed as Polyfill).get('model')).toBe('n');
});
