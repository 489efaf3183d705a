import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import manifest from '../../package.json' with { type: 'json' };
import { checkSearch } from './search.mjs';
import reference from '../api/typedoc-sidebar.json' with { type: 'json' };

const EXAMPLES = /^(?:\.\.\/)+examples\//;
/** GitHub Pages serves the site below the name of the repository. */
const base = new URL(manifest.homepage).pathname;

const page = (text, link) => ({ text, link });

/** In the repository, the example programs lie beside `docs`. On the site, they lie below it. */
function linkToExamples(markdown) {
  const { link_open: render = (tokens, i, options, _, self) => self.renderToken(tokens, i, options) } =
    markdown.renderer.rules;
  markdown.renderer.rules.link_open = (tokens, i, ...rest) => {
    const href = tokens[i].attrGet('href') ?? '';
    if (EXAMPLES.test(href)) {
      tokens[i].attrSet('href', href.replace(EXAMPLES, `${base}examples/`));
      tokens[i].attrSet('target', '_blank');
    }
    return render(tokens, i, ...rest);
  };
}

export default defineConfig({
  title: 'axios-priority-adapter',
  description: 'Priority failover for axios and fetch: one client over several Azure OpenAI endpoints',
  base,
  srcExclude: ['axios-types.md'],
  markdown: { config: linkToExamples },
  async buildEnd({ outDir }) {
    await cp(join(import.meta.dirname, '../../examples'), join(outDir, 'examples'), {
      recursive: true,
      filter: (source) => !source.includes('node_modules'),
    });
    await checkSearch(outDir, base);
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Getting started', '/getting-started'),
      page('Recipes', '/recipes/backends'),
      page('Options', '/options'),
      page('Troubleshooting', '/troubleshooting'),
      page('Reference', '/api/'),
    ],
    sidebar: [
      {
        text: 'Guide',
        items: [
          page('What it is', '/'),
          page('Getting started', '/getting-started'),
          page('Ways in', '/ways-in'),
          page('Clients that take a fetch', '/fetch'),
          page('What happens to a request', '/requests'),
          page('How failures are told apart', '/requests#how-failures-are-told-apart'),
          page('The pool', '/pool'),
          page('Streaming', '/streaming'),
          page('Sharing cooldowns', '/sharing'),
          page('Status page', '/status-page'),
          page('Security', '/security'),
        ],
      },
      {
        text: 'Recipes',
        items: [
          page('Backends', '/recipes/backends'),
          page('Requests', '/recipes/requests'),
          page('Operations', '/recipes/operations'),
          page('Combining', '/recipes/combining'),
        ],
      },
      {
        text: 'Look it up',
        items: [
          page('Options', '/options'),
          page('Troubleshooting', '/troubleshooting'),
          page('FAQ', '/faq'),
          page('Differences from plain axios', '/differences'),
          page('Coming from …', '/coming-from'),
          page('Measured', '/measured'),
        ],
      },
      { text: 'Reference', collapsed: true, items: reference },
    ],
  },
});
