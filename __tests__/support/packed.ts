import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm, npmInstall } from './npm';

const root = join(__dirname, '../..');

/** The package as it would be published, and projects that install it. Needs the npm registry. */
export class PackedPackage {
  private constructor(
    private readonly temp: string,
    private readonly tarball: string,
  ) {}

  /** Packs what the last build made. */
  static async pack(): Promise<PackedPackage> {
    const temp = realpathSync(mkdtempSync(join(tmpdir(), 'packed-')));
    await npm(root, 'pack', '--silent', '--ignore-scripts', '--pack-destination', temp);
    return new PackedPackage(temp, join(temp, readdirSync(temp)[0] ?? ''));
  }

  /** Makes a project with the package and others, such as `axios@1.21.1`. Returns its folder. */
  async install(name: string, ...others: string[]): Promise<string> {
    const folder = join(this.temp, name);
    mkdirSync(folder);
    // The extension of a file decides the kind of its module, except for a bundler.
    await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    await npmInstall(folder, [this.tarball, ...others]);
    return folder;
  }

  /** Copies a project out of the repository, and installs what it depends on. Returns the folder of the copy. */
  async copyOut(project: string): Promise<string> {
    const folder = join(this.temp, project);
    cpSync(join(root, project), folder, { recursive: true, filter: (file) => !file.endsWith('node_modules') });
    await npmInstall(folder, [this.tarball]);
    return folder;
  }

  remove(): void {
    rmSync(this.temp, { recursive: true });
  }
}
