import { renameInPath } from '../http/route';
import type { Route } from '../http/route';
import { withoutParams } from '../http/url';
import type { PathParts } from '../http/url';
import { dropsParam } from '../pool/backend-options';
import type { BackendSettings } from '../pool/backend-options';
import { nameAt } from '../pool/deployments';

/**
 * The caller's path for one backend: with its name for the deployment in it, and without the query parameters that it
 * must not get. (The client adds the backend's own, in the form that its library takes.)
 */
export function pathFor(route: Route, backend: BackendSettings): PathParts {
  const { base, url } = renamed(route, backend);
  const { params, credentials } = backend;
  if (params === undefined && !(credentials.replaceCallers && route.holdsCredential)) return { base, url };
  return { base, url: withoutParams(url, (name) => dropsParam(backend, name)) };
}

function renamed({ path, deployment }: Route, backend: BackendSettings): PathParts {
  const name = deployment !== undefined && nameAt(backend, deployment);
  return name ? renameInPath(path, name) : path;
}
