import { isText, mapOf, must, show } from '../base/check';

/**
 * The caller's names of deployments → the backend's. `false`: it doesn't have it. `'*'`: every name that isn't listed.
 * `undefined`: all have the same names.
 */
export type Deployments = ReadonlyMap<string, string | false> | undefined;

/** @throws TypeError that names the place and the value */
export function checkDeployments(value: unknown, place: string): Deployments {
  const names = mapOf(value, place);
  for (const [from, to] of names ?? []) {
    must(to === false || isText(to), `${place}[${show(from)}]`, 'be a non-empty string or false', to);
  }
  return names as Deployments;
}

/** What a backend calls the caller's deployment. `false`: it doesn't have it. `undefined`: the same. */
export function nameAt(
  { deployments }: { readonly deployments: Deployments },
  deployment: string,
): string | false | undefined {
  return deployments?.get(deployment) ?? deployments?.get('*');
}
