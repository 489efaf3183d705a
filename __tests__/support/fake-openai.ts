import type { ServerResponse } from 'node:http';
import { send, throttle } from './fake-backend';
import type { Call, Reply } from './fake-backend';

const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2, prompt_tokens: 1, completion_tokens: 1 };

/** Replies as Azure OpenAI does: chat, Responses, embeddings, audio and files. The model `slow` gets no reply. */
export const openai: Reply = (_request, response, call) => {
  const asked = jsonOf(call);
  const { pathname, searchParams } = new URL(call.url, 'http://server');
  // As Azure: there is the v1 API, and the one with versions.
  if (!pathname.startsWith(searchParams.has('api-version') ? '/openai/' : '/openai/v1/')) {
    send(response, { status: 404, body: { error: { code: '404', message: 'Resource not found' } } });
    return;
  }
  if (asked.model === 'slow' || pathname.includes('/deployments/slow/')) return;
  if (pathname.endsWith('/chat/completions')) chat(response, asked);
  else if (pathname.endsWith('/responses')) responses(response, asked);
  else if (pathname.endsWith('/embeddings')) send(response, { body: embeddings(asked) });
  else if (pathname.endsWith('/audio/transcriptions')) send(response, { body: { text: `heard ${fileIn(call)}` } });
  else if (pathname.endsWith('/files'))
    send(response, { body: { id: 'file-1', object: 'file', filename: fileIn(call) } });
  else send(response, { status: 404, body: { error: { code: 'NotFound', message: pathname } } });
};

/** Answers 200 to a streamed request and refuses it in the stream, as Azure does. Other requests get a 429. */
export const refusingInStreams: Reply = (_request, response, call) => {
  const wait = { 'retry-after-ms': '60000' };
  if (jsonOf(call).stream !== true) return send(response, throttle(60_000));
  const error = { type: 'too_many_requests', code: 'rate_limit_exceeded', message: 'Too many requests' };
  if (call.url.includes('/chat/')) return events(response, [{ error }], false, wait);
  const failed = { id: 'resp_1', object: 'response', status: 'failed', error: null, output: [], usage: null };
  events(
    response,
    [
      { type: 'response.failed', response: failed, sequence_number: 1 },
      { type: 'error', error, sequence_number: 2 },
    ],
    true,
    wait,
  );
};

interface Asked {
  readonly model?: string;
  readonly stream?: boolean;
  readonly encoding_format?: string;
}

function jsonOf({ body, headers }: Call): Asked {
  return headers['content-type']?.startsWith('application/json') === true ? (JSON.parse(body.toString()) as Asked) : {};
}

function fileIn({ body }: Call): string {
  const [, name = '', content = ''] = /filename="([^"]+)"[^]*?\r\n\r\n([^\r]*)/.exec(body.toString()) ?? [];
  return `${name} (${content})`;
}

/** Server-sent events. */
export function events(
  response: ServerResponse,
  list: readonly (object | string)[],
  named = false,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  for (const each of list) {
    const data = typeof each === 'string' ? each : JSON.stringify(each);
    response.write(`${named ? `event: ${(each as { type: string }).type}\n` : ''}data: ${data}\n\n`);
  }
  response.end();
}

function chat(response: ServerResponse, { stream, model = 'chat' }: Asked): void {
  const about = { id: 'chatcmpl-1', created: 1, model };
  const chunk = (delta: object, finish: string | null) => ({
    ...about,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  if (stream === true) {
    events(response, [
      { ...about, object: 'chat.completion.chunk', choices: [], prompt_filter_results: [] },
      chunk({ role: 'assistant', content: 'Hel' }, null),
      chunk({ content: 'lo' }, null),
      chunk({}, 'stop'),
      '[DONE]',
    ]);
    return;
  }
  const message = { role: 'assistant', content: 'Hello' };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  send(response, { body: { ...about, object: 'chat.completion', choices, usage } });
}

function responses(response: ServerResponse, { stream, model = 'chat' }: Asked): void {
  const about = { id: 'resp_1', object: 'response', created_at: 1, model };
  const content = [{ type: 'output_text', text: 'Hello', annotations: [] }];
  const item = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content };
  const done = { ...about, status: 'completed', output: [item], usage };
  if (stream !== true) {
    send(response, { body: done });
    return;
  }
  const begun = { ...about, status: 'in_progress', output: [], usage: null };
  const at = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const list = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...at, part: { type: 'output_text', text: '', annotations: [] } },
    { type: 'response.output_text.delta', ...at, delta: 'Hel' },
    { type: 'response.output_text.delta', ...at, delta: 'lo' },
    { type: 'response.output_text.done', ...at, text: 'Hello' },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: done },
  ];
  events(
    response,
    list.map((each, i) => ({ ...each, sequence_number: i })),
    true,
  );
}

function embeddings({ encoding_format: format, model }: Asked): object {
  const vector = new Float32Array([0.5, 0.25]);
  const embedding = format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
  return { object: 'list', data: [{ object: 'embedding', index: 0, embedding }], model, usage };
}
