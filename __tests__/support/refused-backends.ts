import axios from 'axios';
import { BackendPool, attachPriorityAdapter, priorityAdapter } from '../../src';

/** A backend without mistakes, whose name is `a.example`. */
export const ok = { baseURL: 'a.example' };

/** Two backends, the second with fields of its own. */
export const second = (own: object) => [ok, { baseURL: 'b.example', ...own }];

const makers: [string, (backends: never) => unknown][] = [
  ['priorityAdapter', (backends) => priorityAdapter(backends)],
  ['BackendPool', (backends) => new BackendPool(backends)],
  ['attachPriorityAdapter', (backends) => attachPriorityAdapter(axios.create(), backends)],
  ['update', (backends) => new BackendPool([ok]).update(backends)],
];

/** Tests that all functions that take backends refuse each with its message, which shows no "hunter2". */
export function testRefused(backends: readonly (readonly [unknown, string])[]): void {
  describe.each(makers)('%s refuses', (_, make) => {
    test.each(backends)('%j', (given, message) => {
      let error: unknown;
      try {
        make(given as never);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toBe(message);
      expect((error as Error).message).not.toContain('hunter2');
    });
  });
}
