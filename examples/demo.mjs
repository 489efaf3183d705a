/**
 * Sends the conversations of a file through an unmodified client, with many callers at once, over several backends: three
 * simulated ones, or your own. See --help.
 */
import { BackendPool } from 'axios-priority-adapter';
import { SingleBar } from 'cli-progress';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { fileURLToPath } from 'node:url';
import { converse } from './demo/callers.mjs';
import { CLIENTS } from './demo/clients.mjs';
import { startEndpoints } from './demo/endpoints.mjs';
import { InputError, readBackends, readConversations } from './demo/input.mjs';
import { Ledger } from './demo/ledger.mjs';
import { compareProcesses } from './demo/processes.mjs';
import { Report } from './demo/report.mjs';
import { watch } from './demo/watch.mjs';

const OK = 0;
const LOST = 1;
const BAD_INPUT = 2;
const INTERRUPTED = 130;

const MAX_REASONS = 5;

const HELP = `
Backends file: a JSON list of objects with the fields of BackendOptions (baseURL, priority, weight, name, headers,
params, deployments, request). The file names the environment variables that hold the keys, not the keys themselves:
  apiKeyEnv         variable with the key, which is sent as api-key
  azureADTokenEnv   variable with the token, which is sent as Authorization: Bearer …

  [
    { "baseURL": "https://ptu-eastus.openai.azure.com", "priority": 1, "apiKeyEnv": "EASTUS_KEY" },
    { "baseURL": "https://payg-westus.services.ai.azure.com", "priority": 2, "apiKeyEnv": "WESTUS_KEY",
      "deployments": { "chat": "chat-global" } }
  ]

Prompts file: a JSON list of conversations. Each is a question, a list of questions to ask one after the other, or a
request with messages of any role:
  [
    "Why is the sky blue?",
    ["What is a hash table?", "When is it slow?"],
    { "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Why does ice float?" }] }
  ]

Exit status: 0 everything was answered; 1 a turn was lost, or the counts disagree; 2 invalid input; 130 interrupted.
On your own backends, you pay for each turn of each conversation.`;

function parseCommandLine(argv) {
  return new Command('demo')
    .description(
      'Sends conversations through an unmodified client over several backends, and shows which backend answered.',
    )
    .option('--backends <file>', 'your own backends, instead of the simulated ones (JSON)')
    .addOption(
      new Option('--prompts <file>', 'conversations to send (JSON)').default(
        fileURLToPath(new URL('prompts.json', import.meta.url)),
        'prompts.json',
      ),
    )
    .addOption(
      new Option('--client <name>', 'the client: openai 3, the current openai, or the AI SDK')
        .choices(Object.keys(CLIENTS))
        .default('openai@3'),
    )
    .option('--deployment <name>', 'deployment to use', notEmpty, 'chat')
    .option('--api-version <version>', 'API version', notEmpty, '2024-10-21')
    .addOption(
      new Option('--watch', 'go on until Ctrl+C, and show the simulated backends on a page').conflicts('backends'),
    )
    .option('--callers <count>', 'conversations at once', positiveInteger, 20)
    .option('--max-wait <seconds>', 'how long a turn may wait in total while no backend is available', seconds, 30)
    .option('--timeout <seconds>', 'how long a turn may take, including waits', seconds, 60)
    .addOption(
      new Option('--processes <count>', 'compare so many processes that share their cooldowns with some that do not')
        .argParser(positiveInteger)
        .conflicts(['backends', 'prompts', 'client', 'callers', 'maxWait', 'timeout']),
    )
    .addHelpText('after', HELP)
    .showSuggestionAfterError(false)
    .exitOverride()
    .parse(argv)
    .opts();
}

function notEmpty(text) {
  if (text.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

function positiveInteger(text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}

function seconds(text) {
  const number = Number(notEmpty(text));
  if (!(number >= 0 && number < Infinity)) throw new InvalidArgumentError('It must be a number of at least 0.');
  return number;
}

async function main(argv) {
  const options = parseCommandLine(argv);
  const { processes, deployment, apiVersion } = options;
  if (processes !== undefined) return (await compareProcesses(processes, { deployment, apiVersion })) ? OK : LOST;
  const conversations = await readConversations(options.prompts);
  const own = options.backends === undefined ? undefined : await readBackends(options.backends, process.env);
  const fake = own === undefined ? await startEndpoints(options.deployment) : undefined;
  try {
    return await run(options, conversations, poolOf(own ?? fake.backends, options.backends), fake?.counts);
  } finally {
    await fake?.close();
  }
}

function poolOf(backends, file) {
  try {
    return new BackendPool(backends);
  } catch (error) {
    throw new InputError(`${file}: ${error.message}`);
  }
}

/** @param servers the counts that the backends kept, by name, if they are simulated */
async function run(options, conversations, pool, servers) {
  const { deployment, apiVersion, callers } = options;
  const report = new Report(process.stdout);
  const ask = await CLIENTS[options.client](pool, {
    deployment,
    apiVersion,
    maxWait: options.maxWait * 1_000,
    timeout: options.timeout * 1_000,
  });
  const controller = new AbortController();
  const { signal } = controller;
  // More than once: npm may repeat the signal that the terminal has already sent.
  process.on('SIGINT', () => controller.abort());
  if (options.watch) {
    const { answered, lost } = await watch(conversations, pool, { ask, callers, signal });
    console.log(`\n${answered} turns answered, ${lost} lost.`);
    return lost > 0 ? LOST : OK;
  }

  const turns = conversations.flat().length;
  console.log(
    `${turns} turns of ${conversations.length} conversations, ${callers} callers at once, ` +
      `${pool.backends.length} ${servers === undefined ? '' : 'simulated '}backends\n`,
  );
  if (servers !== undefined)
    console.log('payg-sweden answers 200 and refuses inside the stream; the others send a 429.\n');
  const ledger = new Ledger(pool);
  const bar = progressBar(turns, ledger);
  const result = await converse(conversations, {
    ask,
    callers,
    signal,
    onTurn: (attempts) => {
      ledger.received(attempts);
      bar.increment({ throttled: ledger.total('throttled') });
    },
  });
  ledger.close();
  bar.stop();
  if (process.stdout.isTTY) console.log();

  console.log(`${report.table(pool, ledger)}\n`);
  console.log(`Who answered when (× throttled or failed)\n\n${report.timeline(pool, ledger)}\n`);
  return conclude(report, { turns, result, ledger, servers, interrupted: signal.aborted });
}

function progressBar(total, ledger) {
  const bar = new SingleBar({
    format: '  {bar} {value}/{total} turns  {throttled} attempts throttled  {duration_formatted}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 28,
    hideCursor: true,
    stream: process.stdout,
    // No bar in a log file.
    noTTYOutput: false,
    // This program handles interrupts itself.
    gracefulExit: false,
  });
  bar.start(total, 0, { throttled: ledger.total('throttled') });
  return bar;
}

/** Prints the outcome and returns the exit status. */
function conclude(report, { turns, result, ledger, servers, interrupted }) {
  const { answered, lost, reasons } = result;
  const took = (ledger.duration / 1_000).toFixed(1);
  console.log(
    `${answered} of ${turns} turns answered, ${report.paint(lost === 0 ? 'green' : 'red', `${lost} lost`)}, in ${took} s.`,
  );
  console.log(`Throttled attempts: ${ledger.total('throttled')}. Waits for a backend: ${ledger.waits}.`);
  for (const line of losses(reasons)) console.log(`  ${line}`);
  if (interrupted) {
    console.log('Interrupted. The turns in progress were cancelled.');
    return INTERRUPTED;
  }
  const found = ledger.disagreements(servers);
  if (servers === undefined) console.log('Your backends keep no counts to compare these with.');
  else if (found.length === 0) console.log('The simulated backends counted the same.');
  if (found.length > 0) console.error(`demo: the counts disagree: ${found.join('; ')}`);
  else if (lost > 0) console.error(`demo: ${lost} of ${turns} turns were lost`);
  return found.length > 0 || answered !== turns ? LOST : OK;
}

/** The most frequent reasons, one per line. */
function losses(reasons) {
  const sorted = [...reasons].sort(([, a], [, b]) => b - a);
  const lines = sorted.slice(0, MAX_REASONS).map(([reason, count]) => `${count} lost: ${reason}`);
  const others = sorted.slice(MAX_REASONS).reduce((sum, [, count]) => sum + count, 0);
  return others > 0 ? [...lines, `${others} lost: for other reasons`] : lines;
}

try {
  process.exitCode = await main(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed the error.
    process.exitCode = error.exitCode === 0 ? OK : BAD_INPUT;
  } else if (error instanceof InputError) {
    // On one line, even if the file contains line breaks.
    console.error(`demo: ${error.message.replace(/\s+/g, ' ')}`);
    process.exitCode = BAD_INPUT;
  } else throw error;
}
