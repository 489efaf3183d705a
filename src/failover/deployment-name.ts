import { isOneShot } from '../http/request-body';
import { isBlob, modelOf, modelOfBlob } from '../http/body-model';
import type { BodyModel } from '../http/body-model';
import type { HttpResponse } from '../http/messages';
import { NO_NAMES } from '../pool/candidates';
import { nameAt } from '../pool/deployments';
import type { HttpRequest, Target } from './http-client';
import type { Run } from './run';

/**
 * The deployment that the request needs, as far as that matters. Most bodies needn't be parsed. The body of a request that
 * has to wait is, because requests for one deployment share a queue.
 */
export function deploymentIfItMatters<R extends HttpRequest, A extends HttpResponse>(
  run: Run<R, A>,
): string | undefined {
  const { request, pool, rules } = run;
  if (request.deployment !== undefined) return request.deployment;
  const mustWait = (): boolean =>
    rules.maxWait > 0 && pool.availableIn({ deployment: undefined, pinned: rules.pinned, final: NO_NAMES }) > 0;
  return pool.deploymentsMatter() || mustWait() ? namedDeployment(run) : undefined;
}

/** The deployment that the URL names, or else the model of a JSON body. */
export function namedDeployment<R extends HttpRequest, A extends HttpResponse>({
  request,
  body,
}: Run<R, A>): string | undefined {
  if (request.deployment !== undefined) return request.deployment;
  const data = body === undefined ? request.body : body.data;
  if (isOneShot(data)) return undefined;
  return modelNamedBy(request, data)?.name;
}

/** The body, with the backend's name for the model in it, unless the URL names a deployment. */
export function bodyFor(request: HttpRequest, target: Target): unknown {
  const data = renamed(request, target);
  // undici before 7 can't send an ArrayBuffer once more when it follows a redirect.
  const isOnce = request.resends === true && Object.prototype.toString.call(data) === '[object ArrayBuffer]';
  return isOnce ? new Blob([data as ArrayBuffer]) : data;
}

function renamed(request: HttpRequest, { backend, body }: Target): unknown {
  if (backend.deployments === undefined || request.deployment !== undefined) return body.data;
  const model = modelNamedBy(request, body.data);
  const name = model && nameAt(backend, model.name);
  return name ? model.renamed(name) : body.data;
}

/** The model that the request's body names, if it is JSON or a form. */
function modelNamedBy(request: HttpRequest, data: unknown): BodyModel | undefined {
  if (request.model === undefined)
    request.model = (isBlob(data) ? modelOfBlob(data, request.blobBytes) : modelOf(data)) ?? null;
  return request.model ?? undefined;
}
