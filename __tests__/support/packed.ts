import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const FLAGS = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];

/** Packs the built package. Returns a temporary folder and the tarball in it. */
export async function pack(): Promise<{ temp: string; tarball: string }> {
  const temp = realpathSync(mkdtempSync(join(tmpdir(), 'packed-')));
  const root = join(__dirname, '../..');
  await execute('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', temp], { cwd: root });
  return { temp, tarball: join(temp, readdirSync(temp)[0] ?? '') };
}

/** Makes a project with these packages. Its files are ES modules, unless their extension says otherwise. */
export async function installProject(folder: string, packages: readonly string[]): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  await execute('npm', ['install', ...FLAGS, ...packages], { cwd: folder });
}
