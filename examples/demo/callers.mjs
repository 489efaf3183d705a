import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { Configuration, OpenAIApi } from 'openai';

/**
 * The unmodified openai client over a pool. Its host doesn't exist and its key is a placeholder: the pool replaces both with
 * those of a backend.
 */
export function createClient(pool, { deployment, apiVersion, maxWait, timeout }) {
  const instance = axios.create({ adapter: priorityAdapter(pool, { maxWait }), timeout });
  const configuration = new Configuration({
    apiKey: 'unused',
    basePath: `https://pool.invalid/openai/deployments/${encodeURIComponent(deployment)}`,
    baseOptions: { params: { 'api-version': apiVersion }, headers: { 'api-key': 'unused' } },
  });
  return new OpenAIApi(configuration, undefined, instance);
}

/**
 * Holds the conversations, several at once. If a turn gets no answer, the rest of its conversation is lost too.
 *
 * @param onTurn called with the `attempts` of each turn
 * @returns how many turns were answered, how many were lost, and how many of them for each reason
 */
export async function converse(conversations, { client, deployment, callers, signal, onTurn }) {
  const result = { answered: 0, lost: 0, reasons: new Map() };
  const lose = (count, reason) => {
    result.lost += count;
    result.reasons.set(reason, (result.reasons.get(reason) ?? 0) + count);
  };
  const hold = async (turns) => {
    const messages = [];
    for (const [i, turn] of turns.entries()) {
      messages.push(...turn);
      const { answer, reason, attempts } = await ask(client, { model: deployment, messages }, signal);
      if (answer === undefined && signal.aborted) return;
      onTurn(attempts);
      if (answer === undefined) {
        const rest = turns.length - i - 1;
        lose(1, reason);
        if (rest > 0) lose(rest, 'not asked, because an earlier turn was lost');
        return;
      }
      messages.push(answer);
      result.answered++;
    }
  };
  // All callers take from one queue.
  const queue = conversations.values();
  const caller = async () => {
    for (const turns of queue) {
      if (signal.aborted) return;
      await hold(turns);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return result;
}

async function ask(client, body, signal) {
  try {
    const { data, attempts } = await client.createChatCompletion(body, { signal });
    const content = data?.choices?.[0]?.message?.content;
    if (typeof content === 'string') return { answer: { role: 'assistant', content }, attempts };
    return { reason: `answer without a message from ${attempts.at(-1).backend}`, attempts };
  } catch (error) {
    return { reason: reasonOf(error), attempts: error.attempts };
  }
}

function reasonOf({ response, message, code, attempts }) {
  const words = response?.data?.error?.message ?? response?.data?.message ?? message;
  const from = response?.fabricated ? 'the pool' : (attempts?.at(-1)?.backend ?? 'the client');
  // This ends up in a terminal, so no line breaks or escape sequences.
  const line = String(words)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, 200);
  return `${response?.status ?? code ?? 'error'} from ${from}: ${line}`;
}
