/** Compiled with neither the types of Node nor those of a browser: the package needs no more than axios does. */
import { BackendPool, priorityAdapter } from 'axios-priority-adapter';

const pool = new BackendPool([{ baseURL: 'a.example' }]);
export const adapter = priorityAdapter(pool, { maxWait: 1 });
export const states = pool.snapshot().map(({ state }) => state);
