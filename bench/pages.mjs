import { readFile, writeFile } from 'node:fs/promises';
import { formatted } from './report.mjs';

/**
 * Writes each section into the pages, between `<!-- name -->` and `<!-- /name -->`. A page without the markers stays as it is.
 *
 * @param pages files
 * @param sections Markdown by name
 * @param options `check`: write nothing, and set the exit status to 1 if a page differs
 */
export async function fillPages(pages, sections, { check = false } = {}) {
  for (const page of pages) {
    const text = await readFile(page, 'utf8');
    const wanted = filled(text, sections) === text ? text : await formatted(page, filled(text, sections));
    if (wanted === text) console.log(`${page} is up to date`);
    else if (check) {
      console.error(`${page} differs from the results`);
      process.exitCode = 1;
    } else {
      await writeFile(page, wanted);
      console.log(`${page} updated`);
    }
  }
}

function filled(text, sections) {
  return Object.entries(sections).reduce(
    (page, [name, section]) =>
      page.replace(
        new RegExp(`(<!-- ${name} -->)[\\s\\S]*?(<!-- /${name} -->)`),
        (_, before, after) => `${before}\n\n${section}\n\n${after}`,
      ),
    text,
  );
}
