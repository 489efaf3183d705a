import { execFile } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export const PROGRAMS = join(__dirname, '../package/programs');

/** What a smoke program prints. */
export interface SmokeResult {
  readonly status: number;
  /** The request that the last backend echoed. */
  readonly data: object;
  readonly tried: readonly string[];
  readonly stack: string;
  /** Of `both-kinds.mjs`: whether each kind of module has its own copy of the package and of axios. */
  readonly copies: boolean;
}

/** Runs a program in a project that has the package installed, over a backend that throttles and one that works. */
export async function runSmokeProgram(name: string, project: string, origin: string): Promise<SmokeResult> {
  copyFileSync(join(PROGRAMS, name), join(project, name));
  const args = ['--enable-source-maps', name, `${origin}/throttle-60000`, `${origin}/echo`];
  const { stdout } = await execute(process.execPath, args, { cwd: project });
  return JSON.parse(stdout) as SmokeResult;
}
