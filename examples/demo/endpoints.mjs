import { randomUUID } from 'node:crypto';
import {
  callsPerPeriod,
  completion,
  failure,
  FakeAzure,
  leakyBucket,
  streamed,
  throttled,
  throttledInStream,
} from './fake-azure.mjs';

/**
 * Starts three endpoints on loopback: a provisioned deployment (PTU) and two pay-as-you-go ones, each with its own key.
 * One second here stands for about a minute on Azure, so that the demo is over soon.
 */
export async function startEndpoints(deployment) {
  const endpoints = await Promise.all(
    [
      // Its waits are about 40 ms, as those of real PTUs.
      { name: 'ptu-eastus', provisioned: true, limit: leakyBucket({ calls: 10, perSecond: 60, spare: 3 }) },
      { name: 'payg-westus', provisioned: false, limit: callsPerPeriod({ calls: 40, ms: 1_500 }) },
      // It refuses as Azure's Responses API does: inside the stream of a 200.
      {
        name: 'payg-sweden',
        provisioned: false,
        refusesInStream: true,
        limit: callsPerPeriod({ calls: 30, ms: 1_100 }),
      },
    ].map(async (settings) => {
      const apiKey = randomUUID();
      const azure = new FakeAzure((call) => answer(call, { ...settings, apiKey, deployment }));
      return { ...settings, apiKey, azure: await azure.listen() };
    }),
  );
  return {
    backends: endpoints.map(({ name, provisioned, apiKey, azure }) => ({
      name,
      baseURL: azure.url,
      priority: provisioned ? 1 : 2,
      apiKey,
      // A proxy named in the environment can't reach loopback.
      request: { proxy: false },
    })),
    /** What each endpoint counted, by name. */
    counts: new Map(endpoints.map(({ name, azure }) => [name, azure.counts])),
    close: () => Promise.all(endpoints.map(({ azure }) => azure.close())),
  };
}

async function answer({ method, url, headers, body }, { provisioned, refusesInStream, limit, apiKey, deployment }) {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const { messages, stream } = questionIn(await body);
  // Another credential beside the right key is refused too: it would mean that the caller's own key leaked to this backend.
  if (headers['api-key'] !== apiKey || headers.authorization !== undefined) return failure(401, '401', ACCESS_DENIED);
  if (method !== 'POST' || pathname !== `/openai/deployments/${encodeURIComponent(deployment)}/chat/completions`)
    return failure(404, 'DeploymentNotFound', 'The API deployment for this resource does not exist.');
  if (!searchParams.get('api-version')) return failure(404, '404', 'Resource not found');
  if (!Array.isArray(messages) || messages.length === 0)
    return failure(400, 'BadRequest', 'The body must be JSON with a list of messages.');

  const wait = limit();
  if (wait > 0) return refusesInStream && stream ? throttledInStream(wait) : throttled(wait, { provisioned });
  const turn = messages.filter(({ role }) => role === 'user').length;
  const content = `You asked: ${messages.at(-1).content} (turn ${turn})`;
  const whole = completion({ model: deployment, messages, content });
  return { ...(stream ? streamed(whole) : whole), after: 20 + 40 * Math.random() };
}

const ACCESS_DENIED =
  'Access denied due to invalid subscription key or wrong API endpoint. ' +
  'Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.';

function questionIn(body) {
  try {
    return Object(JSON.parse(body.toString()));
  } catch {
    return {};
  }
}
