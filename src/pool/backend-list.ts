import { show } from '../base/check';
import { PooledBackend } from './backend';
import type { Backend } from './backend';
import { resolveBackends } from './backend-options';
import type { BackendOptions } from './backend-options';

/** The backends of a pool. The list can be replaced; a backend that keeps its name keeps its state. */
export class BackendList {
  #byPriority: readonly PooledBackend[] = [];
  #byInfo: ReadonlyMap<Backend, PooledBackend> = new Map();
  /** The public information, in the order given. */
  infos: readonly Backend[] = [];

  /** By priority, then in the order given. */
  get byPriority(): readonly PooledBackend[] {
    return this.#byPriority;
  }

  /** @throws TypeError that names the place and the value; then nothing has changed */
  update(backends: readonly BackendOptions[]): void {
    const known = new Map(this.#byPriority.map((backend) => [backend.info.name, backend]));
    const list = resolveBackends(backends).map(
      (settings) => known.get(settings.name)?.updateSettings(settings) ?? new PooledBackend(settings),
    );
    this.infos = Object.freeze(list.map((backend) => backend.info));
    this.#byInfo = new Map(list.map((backend) => [backend.info, backend]));
    this.#byPriority = [...list].sort((a, b) => a.info.priority - b.info.priority);
  }

  /** `undefined` if it has left the pool. */
  find(info: Backend): PooledBackend | undefined {
    return this.#byInfo.get(info);
  }

  /** @throws TypeError for an unknown name */
  named(name: string): PooledBackend {
    const backend = this.#byPriority.find(({ info }) => info.name === name);
    if (backend !== undefined) return backend;
    const names = this.infos.map((info) => info.name).join(', ');
    throw new TypeError(`unknown backend ${show(name)}; expected one of ${names}`);
  }
}
