/* Runs in every runtime, bundled by runtimes.ts. */
import { checksOf } from '../support/checks';
import type { Place } from '../support/checks';
import { fetchChecksOf } from '../support/fetch-checks';
import { redirectChecksOf } from '../support/redirect-checks';

/** What a check failed with; `passed` if it didn't. */
export type Results = Record<string, string>;

export const allChecks = (place: Place) => ({
  ...checksOf(place),
  ...redirectChecksOf(place),
  ...(place.over === 'fetch' && fetchChecksOf(place)),
});

/** Runs all checks, one after the other. */
export async function run(place: Place): Promise<Results> {
  const results: Results = {};
  for (const [name, check] of Object.entries(allChecks(place))) {
    results[name] = await check().then(
      () => 'passed',
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  }
  return results;
}
