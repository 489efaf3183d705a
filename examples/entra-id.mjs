/**
 * Tokens of Entra ID in place of keys, fetched with the credentials of an application and kept until they end.
 *
 *     AZURE_TENANT_ID=… AZURE_CLIENT_ID=… AZURE_CLIENT_SECRET=… node examples/entra-id.mjs
 *
 * The hosts are those of EASTUS_URL and WESTUS_URL; AZURE_AUTHORITY_HOST is https://login.microsoftonline.com by default.
 * Where `@azure/identity` is installed, its `getBearerTokenProvider(credential, scope)` does what `tokenProvider` does.
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

/** A function that promises a token: the same one until two minutes before its end, however many ask at once. */
function tokenProvider(scope) {
  let token;
  let renewAt = 0;
  return async () => {
    if (Date.now() >= renewAt) {
      renewAt = Infinity; // until it is known
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
const westus = env.WESTUS_URL ?? 'https://payg-westus.openai.azure.com';
const adapter = priorityAdapter([
  { name: 'ptu', baseURL: eastus, azureADTokenProvider },
  { name: 'payg', baseURL: westus, azureADTokenProvider, priority: 2 },
]);
const client = axios.create({ adapter });

async function ask() {
  const url = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
  const { attempts } = await client.post(url, { messages: [{ role: 'user', content: 'Hello' }] });
  console.log(`answered by ${attempts.at(-1).backend}`);
}
await Promise.all([ask(), ask()]);
await ask();
