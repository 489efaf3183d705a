import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Starts three backends that behave as Azure OpenAI does, each on a port and with a key of its own: a reserved deployment
 * (PTU) and two that are paid by use. A minute of Azure's is a second or so here, so that the demo is over soon.
 */
export async function startFakeAzure(deployment) {
  const servers = await Promise.all([
    start({ name: 'ptu-eastus', priority: 1, deployment, quota: reservedQuota({ capacity: 10, perSecond: 60 }) }),
    start({ name: 'payg-westus', priority: 2, deployment, quota: windowQuota({ limit: 40, windowMs: 1_500 }) }),
    start({ name: 'payg-sweden', priority: 2, deployment, quota: windowQuota({ limit: 30, windowMs: 1_100 }) }),
  ]);
  return {
    backends: servers.map(({ options }) => options),
    /** By name: what each server itself has counted. */
    counts: new Map(servers.map(({ options, counts }) => [options.name, counts])),
    close: () => servers.forEach(({ close }) => close()),
  };
}

async function start({ name, priority, deployment, quota }) {
  const apiKey = randomUUID();
  const counts = { attempts: 0, answered: 0, throttled: 0, failed: 0 };
  const reply = async (request, response) => {
    counts.attempts++;
    const body = await text(request);
    const answer = await answerTo(request, body, { apiKey, deployment, quota });
    counts[kindOf(answer.status)]++;
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(JSON.stringify(answer.body));
  };
  // A caller may go away in the middle of a request.
  const server = createServer((request, response) => void reply(request, response).catch(() => response.destroy()));
  // No idle connection is closed just when it is about to be used.
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    // A proxy named in the environment has nothing to do with loopback.
    options: {
      name,
      baseURL: `http://127.0.0.1:${server.address().port}`,
      priority,
      apiKey,
      request: { proxy: false },
    },
    counts,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function kindOf(status) {
  if (status === 200) return 'answered';
  return status === 429 ? 'throttled' : 'failed';
}

async function answerTo({ method, url, headers }, body, { apiKey, deployment, quota }) {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  // A foreign credential beside the right key is refused too: it would mean that the caller's own had leaked to here.
  if (headers['api-key'] !== apiKey || headers.authorization !== undefined) return failure(401, '401', ACCESS_DENIED);
  const known = pathname === `/openai/deployments/${encodeURIComponent(deployment)}/chat/completions`;
  if (!known || method !== 'POST') return failure(404, 'DeploymentNotFound', 'The API deployment does not exist.');
  if (!searchParams.get('api-version')) return failure(404, '404', 'Resource not found');
  const messages = messagesIn(body);
  if (messages === undefined) return failure(400, 'BadRequest', 'The body must be JSON with a list of messages.');
  const wait = quota(performance.now());
  if (wait !== undefined) return { ...failure(429, '429', exceeded(searchParams.get('api-version'))), headers: wait };
  await sleep(20 + 40 * Math.random());
  return { status: 200, body: completion(deployment, messages) };
}

function messagesIn(body) {
  try {
    const { messages } = JSON.parse(body);
    return Array.isArray(messages) && messages.length > 0 ? messages : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Provisioned throughput: a bucket that leaks. Gives nothing where there is room, else the headers of the refusal, with a
 * wait after which there is room for a few calls again. `retry-after` is whole seconds, so it can't say that.
 */
function reservedQuota({ capacity, perSecond }) {
  let used = 0;
  let before = 0;
  return (now) => {
    used = Math.max(0, used - ((now - before) * perSecond) / 1_000);
    before = now;
    if (used + 1 <= capacity) {
      used++;
      return undefined;
    }
    const ms = Math.ceil(((used + 2 - capacity) * 1_000) / perSecond);
    return { 'retry-after-ms': String(Math.min(Math.max(ms, 20), 70)), 'retry-after': '1' };
  };
}

/** Pay as you go: so many calls in a window. The wait is until the window ends, in whole seconds. */
function windowQuota({ limit, windowMs }) {
  let used = 0;
  let ends = 0;
  return (now) => {
    if (now >= ends) {
      used = 0;
      ends = now + windowMs;
    }
    // Refused calls count as well.
    return ++used <= limit ? undefined : { 'retry-after': String(Math.ceil((ends - now) / 1_000)) };
  };
}

const ACCESS_DENIED =
  'Access denied due to invalid subscription key or wrong API endpoint. ' +
  'Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.';

function exceeded(apiVersion) {
  return (
    `Requests to the ChatCompletions_Create Operation under Azure OpenAI API version ${apiVersion} ` +
    'have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry later.'
  );
}

function failure(status, code, message) {
  return { status, body: { error: { code, message } } };
}

function completion(model, messages) {
  const question = String(messages.at(-1).content);
  const content = `You asked: ${question} (turn ${messages.filter(({ role }) => role === 'user').length})`;
  const tokens = (chars) => Math.ceil(chars / 4);
  const prompt = tokens(JSON.stringify(messages).length);
  const answer = tokens(content.length);
  return {
    id: `chatcmpl-${randomUUID()}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1_000),
    model,
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
    usage: { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer },
  };
}
