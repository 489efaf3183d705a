import { isOneShot } from '../http/body';
import { isBlob, modelOf, modelOfBlob } from '../http/body-model';
import type { BodyModel } from '../http/body-model';
import type { HttpResponse } from '../http/messages';
import type { HttpRequest } from './http-client';
import type { Run } from './run';

/** The deployment that the request needs, as far as that matters: most bodies needn't be parsed. */
export function deploymentOf<R extends HttpRequest, A extends HttpResponse>(run: Run<R, A>): string | undefined {
  return run.request.deployment ?? (run.pool.knowsDeployments ? namedDeployment(run) : undefined);
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

/** The model that the request's body names, if it is JSON or a form. */
export function modelNamedBy(request: HttpRequest, data: unknown): BodyModel | undefined {
  if (request.model === undefined)
    request.model = (isBlob(data) ? modelOfBlob(data, request.blob) : modelOf(data)) ?? null;
  return request.model ?? undefined;
}
