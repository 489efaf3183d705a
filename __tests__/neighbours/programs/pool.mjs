/** What the programs share: two backends, whose origins are the arguments, and an adapter over them. */
import { priorityAdapter } from 'axios-priority-adapter';

const [, , first, second] = process.argv;
export const backends = [
  { baseURL: first, name: 'first' },
  { baseURL: second, name: 'second', priority: 2 },
];
export const adapter = priorityAdapter(backends);

export const tried = ({ attempts }) => attempts.map(({ backend, status }) => `${backend} ${status}`);

export const print = (result) => console.log(JSON.stringify(result));
