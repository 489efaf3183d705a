import { readFile } from 'node:fs/promises';

/** A mistake in the input. The demo prints its message on one line and exits with status 2. */
export class InputError extends Error {}

/**
 * Reads a list of backends: the fields of `BackendOptions`, with names of environment variables in place of credentials. The
 * package itself checks everything else.
 */
export async function readBackends(file, env) {
  const list = await readList(file, 'backends');
  return list.map((entry, i) => withCredentials(entry, `${file}: backends[${i}]`, env));
}

function withCredentials(entry, place, env) {
  if (typeof entry !== 'object' || entry === null) throw new InputError(`${place} must be an object`);
  const { apiKeyEnv, azureADTokenEnv, ...options } = entry;
  for (const [field, instead] of Object.entries(CREDENTIALS)) {
    if (field in options)
      throw new InputError(
        `${place}.${field}: don't put credentials in the file; use ${instead} to name an environment variable`,
      );
  }
  if (apiKeyEnv !== undefined) options.apiKey = fromEnv(apiKeyEnv, `${place}.apiKeyEnv`, env);
  if (azureADTokenEnv !== undefined) {
    const token = fromEnv(azureADTokenEnv, `${place}.azureADTokenEnv`, env);
    options.azureADTokenProvider = async () => token;
  }
  return options;
}

const CREDENTIALS = { apiKey: 'apiKeyEnv', azureADTokenProvider: 'azureADTokenEnv' };

function fromEnv(name, place, env) {
  if (typeof name !== 'string' || name === '')
    throw new InputError(`${place} must be the name of an environment variable`);
  if (!env[name]) throw new InputError(`${place}: the environment variable ${name} is not set`);
  return env[name];
}

/**
 * Reads conversations. Each becomes a list of turns. A turn is the list of messages to add to the conversation before the model
 * answers again.
 */
export async function readConversations(file) {
  const list = await readList(file, 'prompts');
  return list.map((entry, i) => turnsOf(entry, `${file}: prompts[${i}]`));
}

function turnsOf(entry, place) {
  if (typeof entry === 'string') return turnsOf([entry], place);
  if (Array.isArray(entry) && entry.length > 0 && entry.every(isText)) {
    return entry.map((content) => [{ role: 'user', content }]);
  }
  if (Array.isArray(entry?.messages) && entry.messages.length > 0 && entry.messages.every(isMessage)) {
    return [entry.messages];
  }
  throw new InputError(`${place} must be a question, a list of questions, or {"messages": [{"role", "content"}, …]}`);
}

function isText(value) {
  return typeof value === 'string' && value.trim() !== '';
}

function isMessage(value) {
  return isText(value?.role) && isText(value.content);
}

async function readList(file, what) {
  const list = parse(await read(file), file);
  if (!Array.isArray(list)) throw new InputError(`${file} must contain a JSON list of ${what}`);
  if (list.length === 0) throw new InputError(`${file}: the list of ${what} is empty`);
  return list;
}

async function read(file) {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InputError(`${file}: ${WORDS[error.code] ?? error.message}`);
  }
}

const WORDS = { ENOENT: 'no such file', EISDIR: 'is a directory', EACCES: 'permission denied' };

function parse(json, file) {
  try {
    return JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new InputError(`${file}: cannot parse the JSON: ${error.message}`);
  }
}
