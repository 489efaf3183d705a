import { AsyncLocalStorage } from 'node:async_hooks';
import { json } from 'node:stream/consumers';
import { attemptsOf, priorityAdapter } from 'axios-priority-adapter';
import { priorityFetch } from 'axios-priority-adapter/fetch';

/**
 * The unmodified clients over a pool, by their names on the command line. Their host doesn't exist and their key is a
 * placeholder: the pool replaces both with those of a backend. Their own retries are off, since the pool waits. A client asks
 * with a list of messages, has the answer streamed, and gives its text and the attempts.
 */
export const CLIENTS = { 'openai@3': legacyClient, openai: officialClient, ai: aiClient };

const HOST = 'https://pool.invalid';

async function legacyClient(pool, { deployment, apiVersion, maxWait, timeout }) {
  const { Configuration, OpenAIApi } = await import('openai-3');
  const configuration = new Configuration({
    apiKey: 'unused',
    basePath: `${HOST}/openai/deployments/${encodeURIComponent(deployment)}`,
    baseOptions: {
      adapter: priorityAdapter(pool, { maxWait }),
      timeout,
      params: { 'api-version': apiVersion },
      headers: { 'api-key': 'unused' },
    },
  });
  const client = new OpenAIApi(configuration);
  return async (messages, signal) => {
    const question = { model: deployment, messages, stream: true };
    const answer = await client.createChatCompletion(question, { signal, responseType: 'stream' }).catch(withBody);
    return { content: await wordsOf(answer.data), attempts: attemptsOf(answer) };
  };
}

async function officialClient(pool, { deployment, apiVersion, maxWait, timeout }) {
  const { AzureOpenAI } = await import('openai');
  const { fetch, noting } = notingFetch(pool, maxWait);
  const client = new AzureOpenAI({ apiKey: 'unused', endpoint: HOST, apiVersion, fetch, timeout, maxRetries: 0 });
  return noting(async (messages, signal) => {
    const chunks = await client.chat.completions.create({ model: deployment, messages, stream: true }, { signal });
    let content;
    for await (const { choices } of chunks) content = (content ?? '') + (choices[0]?.delta.content ?? '');
    return content;
  });
}

async function aiClient(pool, { deployment, apiVersion, maxWait, timeout }) {
  const [{ streamText }, { createAzure }] = await Promise.all([import('ai'), import('@ai-sdk/azure')]);
  const { fetch, noting } = notingFetch(pool, maxWait);
  const own = { apiVersion, useDeploymentBasedUrls: true };
  const azure = createAzure({ apiKey: 'unused', baseURL: `${HOST}/openai`, fetch, ...own });
  return noting(async (all, signal) => {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    const system = all.find(({ role }) => role === 'system')?.content;
    const messages = all.filter(({ role }) => role !== 'system');
    const asked = { model: azure.chat(deployment), system, messages, abortSignal, maxRetries: 0 };
    let content = '';
    let failure;
    for await (const part of streamText({ ...asked, onError: ({ error }) => (failure = error) }).textStream)
      content += part;
    if (failure !== undefined) throw failure;
    return content;
  });
}

/**
 * The body of a refused stream is a stream too. Unread, it would hold its connection.
 *
 * @returns {Promise<never>}
 */
async function withBody(error) {
  if (error.response !== undefined) error.response.data = await json(error.response.data).catch(() => undefined);
  throw error;
}

/** The words of a streamed chat completion. */
async function wordsOf(stream) {
  let content;
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const word = JSON.parse(line.slice('data: '.length)).choices[0]?.delta.content;
      if (word !== undefined) content = (content ?? '') + word;
    }
  }
  return content;
}

/** These clients don't hand out the Response of an error, so their fetch notes the attempts of each question. */
function notingFetch(pool, maxWait) {
  const questions = new AsyncLocalStorage();
  const inner = priorityFetch(pool, { maxWait });
  const fetch = async (input, init) => {
    const note = (value) => Object.assign(questions.getStore(), { attempts: attemptsOf(value), response: value });
    try {
      return note(await inner(input, init)).response;
    } catch (error) {
      note(error);
      throw error;
    }
  };
  const noting = (ask) => (messages, signal) => {
    const store = { attempts: [] };
    return questions.run(store, async () => {
      try {
        return { content: await ask(messages, signal), attempts: store.attempts };
      } catch (error) {
        const { status, fabricated } = store.response ?? {};
        throw Object.assign(error, { attempts: store.attempts, response: { status, fabricated } });
      }
    });
  };
  return { fetch, noting };
}
