/** What GitHub reads: the workflows, the forms for issues, and where package.json says that the repository is. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';

const execute = promisify(execFile);
const root = join(__dirname, '../..');
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
const yamlIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.yml'))
    .map((file) => `${folder}/${file}`);
const parsed = (file: string): unknown => parse(textOf(file), { strict: true, uniqueKeys: true });

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job extends Step {
  readonly needs?: string;
  readonly steps?: readonly Step[];
  readonly permissions?: Record<string, string>;
  readonly 'runs-on'?: string;
  readonly 'timeout-minutes'?: number;
}

interface Workflow {
  readonly name: string;
  readonly on: object;
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

interface Manifest {
  readonly homepage: string;
  readonly author: string;
  readonly bugs: { readonly url: string };
  readonly repository: { readonly type: string; readonly url: string };
  readonly devDependencies: Record<string, string>;
  readonly scripts: Record<string, string>;
}

const WORKFLOWS = yamlIn('.github/workflows');
const manifest = JSON.parse(textOf('package.json')) as Manifest;

describe.each(WORKFLOWS)('%s', (file) => {
  const { on, permissions, jobs } = parsed(file) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => [job, ...(job.steps ?? [])]);

  test('says when it runs, and may only read unless a job says otherwise', () => {
    expect(Object.keys(on)).not.toStrictEqual([]);
    expect(permissions).toStrictEqual({ contents: 'read' });
  });

  test('has only jobs that end some day', () => {
    const endless = Object.entries(jobs).filter(([, job]) => !job.uses && !job['timeout-minutes']);
    expect(endless).toStrictEqual([]);
  });

  test('pins each action to a commit, and says which version that is', () => {
    const used = [...textOf(file).matchAll(/\buses: *(.*)$/gm)].map(([, what = '']) => what);
    expect(used).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
    const loose = used.filter((what) => !/^(?:\.\/|[\w-]+\/[\w./-]+@[\da-f]{40} # v\d+\.\d+\.\d+$)/.test(what));
    expect(loose).toStrictEqual([]);
  });

  test('runs only scripts of package.json and files that exist', () => {
    const commands = steps.map(({ run = '' }) => run).join('\n');
    for (const [, script = ''] of commands.matchAll(/npm (?:run )?(test\b[\w:-]*|(?<=run )[\w:-]+)/g)) {
      expect(Object.keys(manifest.scripts)).toContain(script);
    }
    for (const [, path = ''] of commands.matchAll(/(?:node|bash) (\.[\w./-]+)/g)) expect(textOf(path)).not.toBe('');
  });

  test('leaves it to the shell to insert what an event contains', () => {
    expect(steps.filter(({ run }) => run?.includes('${{'))).toStrictEqual([]);
  });
});

test('one action has the same version in all workflows', () => {
  const used = WORKFLOWS.flatMap((file) => [...textOf(file).matchAll(/uses: *(\w[\w./-]+)@(.*)$/gm)]);
  const versions = new Map<string, Set<string>>();
  for (const [, action = '', version = ''] of used) {
    versions.set(action, (versions.get(action) ?? new Set()).add(version));
  }
  expect([...versions].filter(([, { size }]) => size > 1)).toStrictEqual([]);
});

test('a release passes the checks of every change, and is published without a token', () => {
  const { test: checks, publish } = (parsed('.github/workflows/release.yml') as Workflow).jobs;
  expect([checks?.uses, publish?.needs]).toStrictEqual(['./.github/workflows/test.yml', 'test']);
  expect(publish?.permissions).toStrictEqual({ contents: 'write', 'id-token': 'write' });
  expect(textOf('.github/workflows/release.yml')).not.toMatch(/secrets\.|TOKEN: (?!\$\{\{ github\.token \}\})/);
  const commands = Object.values((parsed('.github/workflows/test.yml') as Workflow).jobs).flatMap(({ steps }) => steps);
  expect(commands).toContainEqual(expect.objectContaining({ run: 'bash .ci/run' }));
});

describe('.github/release-notes.mjs', () => {
  const notesOf = async (...args: string[]) => {
    const { stdout } = await execute(process.execPath, [join(root, '.github/release-notes.mjs'), ...args]);
    return stdout;
  };
  let folder: string;
  let changelog: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'notes-'));
    changelog = join(folder, 'CHANGELOG.md');
    const sections = [
      '## [Unreleased]\n',
      '## [0.10.0] - 2027-01-01\n\n### Added\n\n- More, see [0.2.0].\n',
      '## [0.1.0] - 2026-12-01\n\nFirst.\n',
      '[0.2.0]: https://example.com/2\n[0.1.0]: https://example.com/1\n',
    ];
    writeFileSync(changelog, `# Changelog\n\n${sections.join('\n')}`);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('prints the section of a version, without its heading', async () => {
    expect(await notesOf('0.10.0', changelog)).toBe('### Added\n\n- More, see [0.2.0].\n');
  });

  test('prints no addresses of links after the last section', async () => {
    expect(await notesOf('0.1.0', changelog)).toBe('First.\n');
  });

  test.each(['0.1', '0.2.0', 'Unreleased', ''])('fails without entries for "%s"', async (version) => {
    await expect(notesOf(version, changelog)).rejects.toThrow('has no entries');
  });

  test('finds the section of 0.1.0 in the changelog of this repository', async () => {
    expect(await notesOf('0.1.0')).toContain('### Added');
  });
});

test('package.json links to the repository, its issues and its site', () => {
  const { homepage, bugs, repository, author } = manifest;
  const [, owner = ''] =
    /^git\+https:\/\/github\.com\/([\w-]+)\/axios-priority-adapter\.git$/.exec(repository.url) ?? [];
  expect(owner).not.toBe('');
  expect([repository.type, bugs.url]).toStrictEqual([
    'git',
    `https://github.com/${owner}/axios-priority-adapter/issues`,
  ]);
  expect(homepage.toLowerCase()).toBe(`https://${owner.toLowerCase()}.github.io/axios-priority-adapter/`);
  expect(author).not.toBe('');
  // Elsewhere the address only stands where GitHub takes no relative one.
  const { contact_links: links } = parsed('.github/ISSUE_TEMPLATE/config.yml') as { contact_links: { url: string }[] };
  expect(links.map(({ url }) => url)).toStrictEqual([
    `https://github.com/${owner}/axios-priority-adapter/security/policy`,
  ]);
  const [, unreleased] = /^\[Unreleased\]: (.*)$/m.exec(textOf('CHANGELOG.md')) ?? [];
  expect(unreleased).toMatch(`https://github.com/${owner}/axios-priority-adapter/`);
});

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly { type: string; id?: string; attributes: { label?: string; value?: string } }[];
}

test.each(['bug', 'feature'])('the form for a %s is one that GitHub accepts', (name) => {
  const { name: title, description, body } = parsed(`.github/ISSUE_TEMPLATE/${name}.yml`) as Form;
  expect([typeof title, typeof description]).toStrictEqual(['string', 'string']);
  const fields = body.filter(({ type }) => type !== 'markdown');
  expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
  for (const { type, attributes } of fields) {
    expect(['input', 'textarea', 'dropdown', 'checkboxes']).toContain(type);
    expect(attributes.label).toStrictEqual(expect.any(String));
  }
});

test('Dependabot leaves the older versions of axios alone', () => {
  interface Update {
    readonly 'package-ecosystem': string;
    readonly ignore?: { 'dependency-name': string }[];
  }
  const { updates } = parsed('.github/dependabot.yml') as { updates: Update[] };
  expect(updates.map((update) => update['package-ecosystem'])).toStrictEqual(['npm', 'github-actions']);
  const ignored = updates[0]?.ignore?.map((each) => each['dependency-name']) ?? [];
  const aliases = Object.entries(manifest.devDependencies).filter(([, version]) => version.startsWith('npm:'));
  expect(aliases).not.toStrictEqual([]);
  expect(ignored).toStrictEqual(expect.arrayContaining(aliases.map(([name]) => name)));
});
