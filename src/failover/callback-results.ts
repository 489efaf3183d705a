/**
 * What the user's callbacks returned, checked. (`PoolCore.begin` checks what a selector returned, `http/credentials` what a
 * provider of credentials did.)
 */
import { isDuration, must } from '../base/check';

/** What a predicate of the user's returned. (A promise would always count as true.) @throws TypeError */
export function checkedBoolean(returned: unknown, name: string): boolean {
  must(typeof returned === 'boolean', name, 'return a boolean', returned);
  return returned;
}

/** What the user's `cooldown` returned, in ms. @throws TypeError */
export function checkedCooldown(returned: unknown): number | undefined {
  const fits = returned === undefined || isDuration(returned);
  must(fits, 'cooldown', 'return a finite number of ms ≥ 0 or undefined', returned);
  return returned as number | undefined;
}
