/**
 * Writes the last results into the pages that show them: all figures with a target between `<!-- bench -->` and
 * `<!-- /bench -->`, one line between `<!-- figures -->` and `<!-- /figures -->`, and all about sharing between
 * `<!-- sharing -->` and `<!-- /sharing -->`.
 *
 *     node bench/readme.mjs [--check] [--pages FILE…] [--results FILE]
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { fillPages } from './pages.mjs';
import { everything, line, summary } from './report.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { check, pages, results } = new Command('readme')
  .option('--check', 'write nothing; fail if a page differs')
  .option('--pages <files...>', 'the files to write to', [
    here('../README.md'),
    here('../docs/measured.md'),
    here('../docs/sharing.md'),
  ])
  .option('--results <file>', 'the results to read', here('results/results.json'))
  .parse()
  .opts();

const measured = JSON.parse(await readFile(results, 'utf8'));
const sections = { bench: summary(measured), figures: line(measured) };
const ofSharing = join(dirname(results), 'sharing.json');
if (existsSync(ofSharing)) sections.sharing = everything(JSON.parse(await readFile(ofSharing, 'utf8')));

await fillPages(pages, sections, { check });
