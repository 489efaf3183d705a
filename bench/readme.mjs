/**
 * Writes the last results into the README, between `<!-- bench -->` and `<!-- /bench -->`.
 *
 *     node bench/readme.mjs [--check] [--readme FILE] [--results FILE]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { formatted, summary } from './report.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { check, readme, results } = new Command('readme')
  .option('--check', 'write nothing; fail if the README differs')
  .option('--readme <file>', 'the file to write to', here('../README.md'))
  .option('--results <file>', 'the results to read', here('results/results.json'))
  .parse()
  .opts();

const text = await readFile(readme, 'utf8');
const section = summary(JSON.parse(await readFile(results, 'utf8')));
const filled = text.replace(
  /(<!-- bench -->)[\s\S]*?(<!-- \/bench -->)/,
  (_, before, after) => `${before}\n\n${section}\n\n${after}`,
);
// A file without the markers stays as it is.
const wanted = filled === text ? text : await formatted('README.md', filled);
if (wanted === text) console.log(`${readme} is up to date`);
else if (check) {
  console.error(`${readme} differs from the results; run node bench/readme.mjs`);
  process.exitCode = 1;
} else {
  await writeFile(readme, wanted);
  console.log(`${readme} updated`);
}
