import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const FLAGS = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];

/** Installs packages, such as `axios@1.21.1`, in a folder with a package.json. Needs the npm registry. */
export async function npmInstall(folder: string, packages: readonly string[]): Promise<void> {
  await execute('npm', ['install', ...FLAGS, ...packages], { cwd: folder });
}
