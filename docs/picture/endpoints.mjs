import { callsPerPeriod, completion, failure, FakeAzure, throttled } from '../../examples/demo/fake-azure.mjs';

/** ms until a 429 and a 500 */
const REFUSAL = 14;
const FAULT = 45;

/**
 * Starts three endpoints: a provisioned deployment (PTU) that throttles with `retry-after-ms`, and two pay-as-you-go ones.
 * The third call to one of them fails with a 500.
 */
export async function startEndpoints() {
  const endpoints = await Promise.all([
    start({ name: 'ptu-eastus', priority: 1, answer: provisioned() }),
    start({ name: 'payg-westus', priority: 2, answer: payAsYouGo({ latency: 110, failsAt: 3 }) }),
    start({ name: 'payg-sweden', priority: 2, answer: payAsYouGo({ latency: 130 }) }),
  ]);
  return {
    backends: endpoints.map(({ options }) => options),
    close: () => Promise.all(endpoints.map(({ azure }) => azure.close())),
  };
}

async function start({ name, priority, answer }) {
  // The warm-up before the recording uses no quota.
  const azure = await new FakeAzure(({ method }) =>
    method === 'OPTIONS' ? { status: 200, body: '{}' } : answer(),
  ).listen();
  return { azure, options: { name, priority, baseURL: azure.url, request: { proxy: false } } };
}

function provisioned() {
  const limit = callsPerPeriod({ calls: 8, ms: 380 });
  let calls = 0;
  return () => {
    const wait = limit();
    if (wait === 0) return { ...answered(), after: 75 + 10 * (calls++ % 4) };
    return { ...throttled(Math.max(1, wait - REFUSAL), { provisioned: true }), after: REFUSAL };
  };
}

function payAsYouGo({ latency, failsAt }) {
  let calls = 0;
  return () => {
    calls++;
    if (calls === failsAt) return { ...failure(500, 'InternalServerError', 'Internal server error'), after: FAULT };
    return { ...answered(), after: latency + 12 * (calls % 3) };
  };
}

function answered() {
  return completion({ content: 'Hello!' });
}
