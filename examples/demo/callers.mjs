/**
 * Holds the conversations, several at once. If a turn gets no answer, the rest of its conversation is lost too.
 *
 * @param ask asks a client, see clients.mjs
 * @param onTurn called with the `attempts` of each turn
 * @returns how many turns were answered, how many were lost, and how many of them for each reason
 */
export async function converse(conversations, { ask, callers, signal, onTurn }) {
  const result = { answered: 0, lost: 0, reasons: new Map() };
  const lose = (count, reason) => {
    result.lost += count;
    result.reasons.set(reason, (result.reasons.get(reason) ?? 0) + count);
  };
  const hold = async (turns) => {
    const messages = [];
    for (const [i, turn] of turns.entries()) {
      messages.push(...turn);
      const { answer, reason, attempts } = await answerOf(ask, messages, signal);
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

async function answerOf(ask, messages, signal) {
  try {
    const { content, attempts } = await ask(messages, signal);
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
