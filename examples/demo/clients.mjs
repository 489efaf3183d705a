import { AsyncLocalStorage } from 'node:async_hooks';
import { attemptsOf, priorityAdapter } from 'axios-priority-adapter';
import { priorityFetch } from 'axios-priority-adapter/fetch';

/**
 * The unmodified clients over a pool, by their names on the command line. Their host doesn't exist and their key is a
 * placeholder: the pool replaces both with those of a backend. Their own retries are off, since the pool waits. A client asks
 * with a list of messages, and gives the text of the answer and the attempts.
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
    const answer = await client.createChatCompletion({ model: deployment, messages }, { signal });
    return { content: answer.data?.choices?.[0]?.message?.content, attempts: attemptsOf(answer) };
  };
}

async function officialClient(pool, { deployment, apiVersion, maxWait, timeout }) {
  const { AzureOpenAI } = await import('openai');
  const { fetch, noting } = notingFetch(pool, maxWait);
  const client = new AzureOpenAI({ apiKey: 'unused', endpoint: HOST, apiVersion, fetch, timeout, maxRetries: 0 });
  return noting(async (messages, signal) => {
    const { choices } = await client.chat.completions.create({ model: deployment, messages }, { signal });
    return choices?.[0]?.message?.content;
  });
}

async function aiClient(pool, { deployment, apiVersion, maxWait, timeout }) {
  const [{ generateText }, { createAzure }] = await Promise.all([import('ai'), import('@ai-sdk/azure')]);
  const { fetch, noting } = notingFetch(pool, maxWait);
  const own = { apiVersion, useDeploymentBasedUrls: true };
  const azure = createAzure({ apiKey: 'unused', baseURL: `${HOST}/openai`, fetch, ...own });
  return noting(async (all, signal) => {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    const system = all.find(({ role }) => role === 'system')?.content;
    const messages = all.filter(({ role }) => role !== 'system');
    const asked = { model: azure.chat(deployment), system, messages, abortSignal, maxRetries: 0 };
    return (await generateText(asked)).text;
  });
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
