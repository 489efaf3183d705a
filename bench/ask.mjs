import { once } from 'node:events';

/**
 * Sends a message to a child process. Returns its answer.
 *
 * @param name what the error calls the process if it ends instead
 */
export async function ask(child, message, name) {
  const over = new AbortController();
  const ended = once(child, 'exit', over).then(([code]) => {
    throw new Error(`bench: ${name} ended with ${code}`);
  });
  try {
    child.send(message);
    const [answer] = await Promise.race([once(child, 'message', over), ended]);
    return answer;
  } finally {
    over.abort();
    ended.catch(() => undefined);
  }
}
