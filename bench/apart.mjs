import { fork } from 'node:child_process';
import { once } from 'node:events';
import { interleaved } from './measure.mjs';

/**
 * Clients that are compared, each in a process of its own. V8 optimises the code that they share, such as axios's, for all
 * that it has seen in a process. An application has one client, so the clients must not change each other's figures.
 */
export class Apart {
  #processes = new Map();

  /** @param clients their names */
  constructor(clients) {
    for (const client of clients)
      this.#processes.set(client, fork(new URL('client-process.mjs', import.meta.url), { execArgv: [] }));
  }

  /**
   * Times rounds of the clients in turn, as `interleaved` does.
   *
   * @param kind the name of a function of `rounds.mjs`
   * @param options what it gets beyond the name of the client
   */
  async interleaved(kind, options, times) {
    const variants = {};
    for (const [client, process] of this.#processes) {
      await ask(process, { kind, options: { ...options, client } });
      variants[client] = () => ask(process, 'round');
    }
    return interleaved(variants, times);
  }

  stop() {
    for (const process of this.#processes.values()) process.disconnect();
  }
}

async function ask(process, message) {
  const ended = new AbortController();
  const end = once(process, 'exit', ended).then(([code]) => {
    throw new Error(`bench: the process of a client ended with ${code}`);
  });
  try {
    process.send(message);
    const [answer] = await Promise.race([once(process, 'message', ended), end]);
    return answer;
  } finally {
    ended.abort();
    end.catch(() => undefined);
  }
}
