/** The official SDK, `openai` 4 to 7, over a pool whose first backend throttles. */
import { attemptsOf, priorityFetch } from 'axios-priority-adapter/fetch';

const [, , first, second, version] = process.argv;
const { default: OpenAI, AzureOpenAI, toFile } = await import(version);

/** A pool of its own for each call, so that each begins with a refusal. */
function clientOf(kind) {
  const fetch = priorityFetch([
    { baseURL: first, name: 'first', apiKey: 'key-1' },
    { baseURL: second, name: 'second', priority: 2, apiKey: 'key-2' },
  ]);
  const tried = [];
  fetch.pool.subscribe(
    (event) => event.type === 'attempt' && tried.push(`${event.backend} ${event.status ?? event.code}`),
  );
  const client =
    kind === 'azure'
      ? new AzureOpenAI({ apiKey: 'unused', endpoint: 'https://pool.invalid', apiVersion: '2024-10-21', fetch })
      : new OpenAI({ apiKey: 'unused', baseURL: 'https://pool.invalid/openai/v1', fetch });
  return { client, tried };
}

const messages = [{ role: 'user', content: 'Hello?' }];
async function joined(stream, textOf) {
  let text = '';
  for await (const event of stream) text += textOf(event);
  return text;
}
const file = () => toFile(Buffer.from('sound'), 'hello.wav');

const calls = {
  chat: async (client) => {
    const { data, response } = await client.chat.completions.create({ model: 'chat', messages }).withResponse();
    return [data.choices[0].message.content, attemptsOf(response).length];
  },
  'streamed chat': async (client) => {
    const stream = await client.chat.completions.create({ model: 'chat', messages, stream: true });
    return joined(stream, ({ choices }) => choices[0]?.delta.content ?? '');
  },
  responses: async (client) => (await client.responses.create({ model: 'chat', input: 'Hello?' })).output_text,
  'streamed responses': async (client) => {
    const stream = await client.responses.create({ model: 'chat', input: 'Hello?', stream: true });
    return joined(stream, ({ type, delta }) => (type === 'response.output_text.delta' ? delta : ''));
  },
  embeddings: async (client) =>
    Array.from((await client.embeddings.create({ model: 'embeddings', input: 'Hello' })).data[0].embedding),
  transcription: async (client) =>
    (await client.audio.transcriptions.create({ model: 'whisper', file: await file() })).text,
  files: async (client) => (await client.files.create({ purpose: 'assistants', file: await file() })).filename,
};

const failures = {
  abort: (client) => {
    const signal = AbortSignal.timeout(500);
    return client.chat.completions.create({ model: 'slow', messages }, { signal });
  },
  timeout: (client) => client.chat.completions.create({ model: 'slow', messages }, { timeout: 500, maxRetries: 0 }),
  'failover: false': (client) => {
    const options = version === 'openai-4' ? {} : { fetchOptions: { failover: false } };
    return client.chat.completions.create({ model: 'chat', messages }, { ...options, maxRetries: 0 });
  },
};

const result = {};
for (const kind of ['openai', 'azure']) {
  for (const [name, call] of Object.entries(calls)) {
    const { client, tried } = clientOf(kind);
    result[`${kind}: ${name}`] = [tried, await call(client)];
  }
  for (const [name, call] of Object.entries(failures)) {
    const { client, tried } = clientOf(kind);
    result[`${kind}: ${name}`] = [
      tried,
      await call(client).then(
        () => 'answered',
        (error) => error.constructor.name,
      ),
    ];
  }
}
console.log(JSON.stringify(result));
