import fc from 'fast-check';
import { EventStreamParser } from '../../src/http/event-stream-parser';
import type { ServerSentEvent } from '../../src/http/event-stream-parser';

/** The events of a stream that arrives in these pieces. */
function parse(pieces: readonly Uint8Array[], isOver = false): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  const parser = new EventStreamParser((event) => events.push(event) === Infinity);
  for (const piece of pieces) parser.push(piece);
  if (isOver) parser.end();
  return events;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const message = (data: string): ServerSentEvent => ({ name: 'message', data });

// The examples of the HTML Standard, "Server-sent events", and the rules of its "Interpreting an event stream".
test.each<[title: string, text: string, events: ServerSentEvent[]]>([
  ['one event', 'data: This is the first message.\n\n', [message('This is the first message.')]],
  ['several data lines', 'data: YHOO\ndata: +2\ndata: 10\n\n', [message('YHOO\n+2\n10')]],
  [
    'a comment, an id, and data with a second space',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
    [message('first event'), message('second event'), message(' third event')],
  ],
  ['fields without a value', 'data\n\ndata\ndata\n\ndata:', [message(''), message('\n')]],
  ['one space after the colon or none', 'data:test\n\ndata: test\n\n', [message('test'), message('test')]],
  [
    'named events',
    'event: add\ndata: 1\n\nevent: remove\ndata: 2\n\n',
    [
      { name: 'add', data: '1' },
      { name: 'remove', data: '2' },
    ],
  ],
  ['a name that ends with its event', 'event: add\ndata: 1\n\ndata: 2\n\n', [{ name: 'add', data: '1' }, message('2')]],
  ['a name without data', 'event: ping\n\ndata: 1\n\n', [message('1')]],
  ['an empty name', 'event: add\nevent\ndata: 1\n\n', [message('1')]],
  ['CR', 'data: 1\rdata: 2\r\r', [message('1\n2')]],
  ['CRLF', 'data: 1\r\ndata: 2\r\n\r\n', [message('1\n2')]],
  ['all endings mixed', 'data: 1\rdata: 2\r\ndata: 3\n\r\ndata: 4\r\r\n', [message('1\n2\n3'), message('4')]],
  ['a byte order mark', '\uFEFFdata: 1\n\n', [message('1')]],
  ['a second byte order mark, which is part of a field', '\uFEFF\uFEFFdata: 1\n\ndata: 2\n\n', [message('2')]],
  [
    'other fields, other cases, and lines without a colon',
    'retry: 1\nDATA: 1\nnonsense\n data: 2\ndata: 3\n\n',
    [message('3')],
  ],
  ['characters of one to four bytes', 'data: aé€😀\n\n', [message('aé€😀')]],
  ['a colon in the data', 'data: {"a":1}\n\n', [message('{"a":1}')]],
  ['an event that has not ended', 'data: 1\n\ndata: 2\n', [message('1')]],
  ['nothing', '', []],
])('reads %s', (_title, text, events) => {
  expect(parse([bytes(text)])).toStrictEqual(events);
});

test.each([
  ['after its data', 'data: 1\n'],
  ['inside its last line', 'data: 1'],
  ['after a CR', 'data: 1\r'],
  ['between CR and LF', 'data: 1\r\n\r'],
])('an event that the end of the body cuts off %s is emitted', (_where, text) => {
  expect(parse([bytes(text)], true)).toStrictEqual([message('1')]);
});

test('a body that ends between two events adds no event', () => {
  expect(parse([bytes('data: 1\n\n')], true)).toStrictEqual([message('1')]);
});

test('an event is emitted as soon as its last byte has arrived', () => {
  const events: ServerSentEvent[] = [];
  const parser = new EventStreamParser((event) => events.push(event) === Infinity);
  parser.push(bytes('data: 1\r\n\r'));
  expect(events).toStrictEqual([message('1')]);
  parser.push(bytes('\n'));
  parser.push(bytes('data: 2\n\n'));
  expect(events).toStrictEqual([message('1'), message('2')]);
});

test('parsing stops when the callback returns true', () => {
  const events: ServerSentEvent[] = [];
  const parser = new EventStreamParser((event) => events.push(event) === 2);
  parser.push(bytes('data: 1\n\ndata: 2\n\ndata: 3\n\n'));
  parser.push(bytes('data: 4\n\n'));
  parser.end();
  expect(events).toStrictEqual([message('1'), message('2')]);
});

test('events are read without a TextDecoder, as in jsdom under Jest', () => {
  const { TextDecoder } = globalThis;
  Object.assign(globalThis, { TextDecoder: undefined });
  try {
    expect(parse([bytes('data: 1\n\nda'), bytes('ta: 2')], true)).toStrictEqual([message('1'), message('2')]);
  } finally {
    Object.assign(globalThis, { TextDecoder });
  }
});

test('invalid UTF-8 becomes replacement characters', () => {
  expect(parse([Uint8Array.of(0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a)])).toStrictEqual([message('\uFFFD')]);
});

const token = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  ':',
  ' ',
  'data',
  'data: ',
  'event: x',
  'id: 1',
  '\uFEFF',
  'é',
  '😀',
  'a',
);

test('a stream that is cut anywhere gives the same events', () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 60 }), fc.array(fc.nat(200)), fc.boolean(), (tokens, cuts, isOver) => {
      const whole = bytes(tokens.join(''));
      const ends = [...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort((a, b) => a - b);
      const pieces = ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end));
      expect(parse(pieces, isOver)).toStrictEqual(parse([whole], isOver));
    }),
    { numRuns: 2000 },
  );
});
