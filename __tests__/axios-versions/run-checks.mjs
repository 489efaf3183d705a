/** A check that takes longer has hung. */
const LIMIT = 15_000;

/**
 * Runs checks one after the other, in Node as in a page.
 *
 * @param {Record<string, () => Promise<void>>} checks by name; one that throws has failed
 * @returns {Promise<{ passed: number, failures: { name: string, stack: string }[] }>}
 */
export async function runChecks(checks) {
  let passed = 0;
  const failures = [];
  for (const [name, check] of Object.entries(checks)) {
    let timer;
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took longer than ${LIMIT} ms`)), LIMIT);
    });
    try {
      await Promise.race([check(), tooLong]);
      passed += 1;
    } catch (error) {
      failures.push({ name, stack: String(error?.stack ?? error) });
    } finally {
      clearTimeout(timer);
    }
  }
  return { passed, failures };
}

/** Prints what failed, indented. */
export function printFailures(failures, place) {
  for (const { name, stack } of failures) {
    console.error(`  FAILED ${place}: ${name}`);
    console.error(stack.replace(/^/gm, '    '));
  }
}

/** What `promise` rejects with. */
export async function rejection(promise) {
  const response = await promise.catch((error) => ({ rejectedWith: error }));
  if ('rejectedWith' in response) return response.rejectedWith;
  throw new Error(`it did not reject, but answered ${response.status}`);
}
