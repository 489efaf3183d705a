import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import { pinned } from './cores.mjs';

/** When, where and with which versions the figures were measured. */
export async function environment() {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    machine: {
      cpu: cpu?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${platform()} ${arch()}`,
      /** At the start. A load near the number of cores means that other work was running too. */
      load: Number(loadavg()[0].toFixed(1)),
      /** Whether client and servers had a core each. */
      pinned,
    },
    versions: {
      'axios-priority-adapter': await versionIn(new URL('../package.json', import.meta.url)),
      node: process.versions.node,
      axios: await versionOf('axios'),
      'axios-retry': await versionOf('axios-retry'),
    },
  };
}

async function versionOf(name) {
  return versionIn(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

async function versionIn(file) {
  return JSON.parse(await readFile(file, 'utf8')).version;
}
