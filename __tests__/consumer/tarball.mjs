import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseAst } from 'rollup/parseAst';

/** What is published: no more than a user needs. */
const FILES = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'dist/index.cjs',
  'dist/index.cjs.map',
  'dist/index.d.cts',
  'dist/index.d.ts',
  'dist/index.js',
  'dist/index.js.map',
  'package.json',
];

/** Builds and packs the package into `temp`, as `npm publish` would, and unpacks it beside. */
export function pack(root, temp) {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', temp], { cwd: root, stdio: 'pipe' });
  const [name] = readdirSync(temp).filter((file) => file.endsWith('.tgz'));
  const tarball = join(temp, name);
  execFileSync('tar', ['-xzf', name], { cwd: temp });
  return { tarball, folder: join(temp, 'package') };
}

/** What must hold of the package as it is published. */
export function tarballChecks({ tarball, folder, root }) {
  const text = (file) => readFileSync(join(folder, file), 'utf8');
  const manifest = JSON.parse(text('package.json'));
  const checks = {
    async 'holds what a user needs, and nothing else'() {
      const files = readdirSync(folder, { recursive: true }).filter((file) => statSync(join(folder, file)).isFile());
      assert.deepEqual(files.map((file) => file.replaceAll('\\', '/')).sort(), FILES);
      return `${FILES.length} files, ${kB(statSync(tarball).size)} packed`;
    },
    async 'depends on nothing but axios, as a peer'() {
      const { dependencies, optionalDependencies, bundleDependencies, peerDependencies, engines } = manifest;
      assert.deepEqual([dependencies, optionalDependencies, bundleDependencies], [undefined, undefined, undefined]);
      assert.deepEqual([peerDependencies, engines], [{ axios: '^1.5.0' }, { node: '>=20.16.0' }]);
      assert.equal(manifest.peerDependenciesMeta, undefined);
    },
    async 'runs nothing when it is installed'() {
      for (const script of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']) {
        assert.equal(manifest.scripts[script], undefined, script);
      }
    },
    async 'names only files that are there'() {
      const named = [manifest.main, manifest.module, manifest.types, ...leaves(manifest.exports)];
      for (const file of named) assert.ok(existsSync(join(folder, file)), file);
    },
  };
  for (const file of ['dist/index.js', 'dist/index.cjs']) {
    checks[`${file} imports axios, and by no other way anything else`] = async () => {
      assert.deepEqual(importsOf(text(file)), ['axios']);
      return `${kB(text(file).length)}, ${kB(gzipSync(text(file)).length)} gzipped`;
    };
    checks[`${file} has a source map that holds the sources`] = async () => {
      assert.match(text(file).trimEnd(), new RegExp(`\\n//# sourceMappingURL=${file.slice(5)}\\.map$`));
      const { sources, sourcesContent, mappings } = JSON.parse(text(`${file}.map`));
      assert.ok(sources.length > 10 && mappings.length > 1000);
      assert.deepEqual(
        sources.filter((source) => !/^\.\.\/src\/[a-z-]+\.ts$/.test(source)),
        [],
      );
      for (const [i, source] of sources.entries()) {
        assert.ok(sourcesContent[i] === readFileSync(join(root, source.slice(3)), 'utf8'), source);
      }
    };
  }
  return checks;
}

/** What a module imports or requires, whichever way it does; a name that is worked out is given as "?". */
function importsOf(code) {
  const found = [];
  walk(parseAst(code, { allowReturnOutsideFunction: true }), (node) => {
    const { type, source, callee } = node;
    if (/^(?:Import|Export)/.test(type) && source) found.push(source.value ?? '?');
    if (type === 'CallExpression' && callee.name === 'require') found.push(node.arguments[0].value ?? '?');
    // Kept under another name, `require` could not be seen; createRequire needs an import to begin with.
    if (type === 'VariableDeclarator' && node.init?.name === 'require') found.push('?');
  });
  return found;
}

function walk(node, visit) {
  if (Array.isArray(node)) node.forEach((each) => walk(each, visit));
  else if (typeof node?.type === 'string') {
    visit(node);
    for (const value of Object.values(node)) if (typeof value === 'object') walk(value, visit);
  }
}

function leaves(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(leaves);
}

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
