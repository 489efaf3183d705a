/**
 * Puts the last results between `<!-- bench -->` and `<!-- /bench -->` in the README, where these stand.
 *
 *     node bench/readme.mjs [--check] [--readme FILE] [--results FILE]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { formatted, summary } from './report.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { check, readme, results } = new Command('readme')
  .option('--check', 'write nothing; fail where the README says something else')
  .option('--readme <file>', 'what is written to', here('../README.md'))
  .option('--results <file>', 'what is read', here('results/results.json'))
  .parse()
  .opts();

const text = await readFile(readme, 'utf8');
const section = summary(JSON.parse(await readFile(results, 'utf8')));
const filled = text.replace(
  /(<!-- bench -->)[\s\S]*?(<!-- \/bench -->)/,
  (_, before, after) => `${before}\n\n${section}\n\n${after}`,
);
// Without the markers nothing is touched.
const wanted = filled === text ? text : await formatted('README.md', filled);
if (wanted === text) console.log(`${readme}: nothing to change`);
else if (check) {
  console.error(`${readme} does not say what was measured: node bench/readme.mjs`);
  process.exitCode = 1;
} else {
  await writeFile(readme, wanted);
  console.log(`${readme}: written`);
}
