/**
 * Prints what CHANGELOG.md says of a version, for its GitHub release.
 *
 *     node .github/release-notes.mjs 0.2.0
 */
import { readFile } from 'node:fs/promises';

const [version = '', file = new URL('../CHANGELOG.md', import.meta.url)] = process.argv.slice(2);

const [, ...sections] = (await readFile(file, 'utf8')).split(/^## /m);
const section = sections.find((text) => /^\[?([^\]\s]+)/.exec(text)?.[1] === version);
// Without the heading, and without the addresses of links at the end of the file.
const notes = section
  ?.replace(/^.*\n/, '')
  .replace(/^\[.+\]: .*$/gm, '')
  .trim();
if (!notes) {
  console.error(`release-notes: CHANGELOG.md has no entries for the version ${version}`);
  process.exit(1);
}
console.log(notes);
