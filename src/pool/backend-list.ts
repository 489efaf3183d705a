import { show, showUrl } from '../base/check';
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
  /** Whether any of them says of a deployment that it doesn't have it, so that it matters which one a request needs. */
  lacksDeployments = false;
  /** Their origins. */
  origins: ReadonlySet<string> = new Set();

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
    this.lacksDeployments = list.some((backend) => backend.lacksDeployments());
    this.origins = new Set(list.map(({ info }) => new URL(info.baseURL).origin));
  }

  /** `undefined` if it has left the pool. */
  find(info: Backend): PooledBackend | undefined {
    return this.#byInfo.get(info);
  }

  /**
   * @param where is put in front of the message
   * @throws TypeError for an unknown name
   */
  named(name: unknown, where = ''): PooledBackend {
    const backend = this.#byPriority.find(({ info }) => info.name === name);
    if (backend !== undefined) return backend;
    const names = this.infos.map((info) => info.name).join(', ');
    throw new TypeError(
      `${where}unknown backend ${typeof name === 'string' ? showUrl(name) : show(name)}; expected one of ${names}`,
    );
  }
}
