/**
 * Writes the last results into the pages that show them: all figures with a target between `<!-- bench -->` and
 * `<!-- /bench -->`, one line between `<!-- figures -->` and `<!-- /figures -->`.
 *
 *     node bench/readme.mjs [--check] [--pages FILE…] [--results FILE]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { formatted, line, summary } from './report.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { check, pages, results } = new Command('readme')
  .option('--check', 'write nothing; fail if a page differs')
  .option('--pages <files...>', 'the files to write to', [here('../README.md'), here('../docs/measured.md')])
  .option('--results <file>', 'the results to read', here('results/results.json'))
  .parse()
  .opts();

const measured = JSON.parse(await readFile(results, 'utf8'));
const sections = { bench: summary(measured), figures: line(measured) };

/** A text without the markers stays as it is. */
function filled(text) {
  return Object.entries(sections).reduce(
    (page, [name, section]) =>
      page.replace(
        new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`),
        (_, before, after) => `${before}\n\n${section}\n\n${after}`,
      ),
    text,
  );
}

for (const page of pages) {
  const text = await readFile(page, 'utf8');
  const wanted = filled(text) === text ? text : await formatted('page.md', filled(text));
  if (wanted === text) console.log(`${page} is up to date`);
  else if (check) {
    console.error(`${page} differs from the results; run node bench/readme.mjs`);
    process.exitCode = 1;
  } else {
    await writeFile(page, wanted);
    console.log(`${page} updated`);
  }
}
