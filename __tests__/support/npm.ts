import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const FLAGS = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];

/** Runs npm in a folder. */
export async function npm(folder: string, ...args: readonly string[]): Promise<void> {
  // On Windows, npm is a script of the shell.
  await execute('npm', args, { cwd: folder, shell: process.platform === 'win32' });
}

/** Installs packages, such as `axios@1.21.1`, in a folder with a package.json. Needs the npm registry. */
export async function npmInstall(folder: string, packages: readonly string[]): Promise<void> {
  await npm(folder, 'install', ...FLAGS, ...packages);
}
