/**
 * Uses Entra ID tokens instead of keys. Fetches a token with the credentials of an application, and caches it until it expires.
 *
 *     AZURE_TENANT_ID=… AZURE_CLIENT_ID=… AZURE_CLIENT_SECRET=… node entra-id.mjs
 *
 * EASTUS_URL and WESTUS_URL set other hosts. AZURE_AUTHORITY_HOST is https://login.microsoftonline.com by default. If you have
 * `@azure/identity` installed, use its `getBearerTokenProvider(credential, scope)` in place of `tokenProvider`.
 */
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';

const { env } = process;

async function fetchToken(scope) {
  const { AZURE_TENANT_ID, AZURE_CLIENT_ID: client_id, AZURE_CLIENT_SECRET: client_secret } = env;
  const authority = env.AZURE_AUTHORITY_HOST ?? 'https://login.microsoftonline.com';
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, scope });
  const { data } = await axios.post(`${authority}/${AZURE_TENANT_ID}/oauth2/v2.0/token`, form);
  return data;
}

/** Returns a function that resolves with a token. All callers share one token, until two minutes before it expires. */
function tokenProvider(scope) {
  let token;
  let renewAt = 0;
  return async () => {
    if (Date.now() >= renewAt) {
      renewAt = Infinity; // until the new token has arrived
      token = fetchToken(scope);
      token.then(
        ({ expires_in }) => (renewAt = Date.now() + (expires_in - 120) * 1_000),
        () => (renewAt = 0),
      );
    }
    return (await token).access_token;
  };
}

const azureADTokenProvider = tokenProvider('https://cognitiveservices.azure.com/.default');
const eastus = env.EASTUS_URL ?? 'https://ptu-eastus.openai.azure.com';
const westus = env.WESTUS_URL ?? 'https://payg-westus.services.ai.azure.com';
const adapter = priorityAdapter([
  { name: 'ptu', baseURL: eastus, azureADTokenProvider },
  { name: 'payg', baseURL: westus, azureADTokenProvider, priority: 2 },
]);
const client = axios.create({ adapter });

async function ask() {
  const { attempts } = await client.post('/openai/v1/responses', { model: 'chat', input: 'Hello' });
  console.log(`answered by ${attempts.at(-1).backend}`);
}
await Promise.all([ask(), ask()]);
await ask();
