import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What people look for under other names, and the page that must be among the answers. */
const WANTED = {
  'first-token timeout': '/streaming',
  'session affinity': '/recipes/requests',
  spillover: '/recipes/backends',
  'circuit breaker': '/pool',
  'model fallback': '/recipes/requests',
  budget: '/requests',
};

const SHOWN = 10;

/** Asks the index of the built site as its search box does. Throws if a page isn't found under its other name. */
export async function checkSearch(outDir, base) {
  // The search box's own version.
  const ofVitepress = createRequire(createRequire(import.meta.url).resolve('vitepress'));
  const { default: MiniSearch } = await import(pathToFileURL(ofVitepress.resolve('minisearch')));
  const chunks = join(outDir, 'assets/chunks');
  const [file] = (await readdir(chunks)).filter((name) => name.startsWith('@localSearchIndexroot'));
  const { default: json } = await import(pathToFileURL(join(chunks, file)));
  const index = MiniSearch.loadJSON(json, {
    fields: ['title', 'titles', 'text'],
    storeFields: ['title', 'titles'],
    searchOptions: { fuzzy: 0.2, prefix: true, boost: { title: 4, text: 2, titles: 1 } },
  });
  for (const [words, page] of Object.entries(WANTED)) {
    const found = index.search(words).slice(0, SHOWN);
    const all = words.split(/[\s-]/).length;
    const pages = found.filter(({ queryTerms }) => queryTerms.length === all).map(({ id }) => id.split(/\.html|#/)[0]);
    if (!pages.includes(`${base}${page.slice(1)}`))
      throw new Error(`the search for “${words}” doesn't lead to ${page}, only to ${pages.join(', ')}`);
  }
}
