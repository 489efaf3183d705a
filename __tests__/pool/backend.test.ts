import { PooledBackend } from '../../src/pool/backend';
import { resolveBackends } from '../../src/pool/backend-options';
import type { CooldownKind } from '../../src/pool/failure-cost';

const NONE = 'no cooldown';
type Cooldown = CooldownKind | typeof NONE;

/** A backend, and a cooldown for it or for one of its deployments. */
function pooled(deployments: Record<string, string | false> = {}) {
  const backend = new PooledBackend(resolveBackends([{ name: 'a', baseURL: 'a.example', deployments }])[0]!);
  let epoch = 0;
  const cool = (scope: string | undefined, until: number, kind: CooldownKind = 'asked', words = 'throttled'): void => {
    const circuit = backend.circuitFor(scope);
    circuit.impose(kind, { until, reason: 'throttled', words }, ++epoch, 0);
    circuit.noteState(0);
    backend.keep(scope, circuit, 0);
  };
  return { backend, cool };
}

test('the deployment of a request is known by the name that the backend has for it', () => {
  const { backend } = pooled({ chat: 'own-chat', none: false });
  expect([
    backend.scopeOf('chat'),
    backend.scopeOf('other'),
    backend.scopeOf('none'),
    backend.scopeOf(undefined),
  ]).toStrictEqual(['own-chat', 'other', 'none', undefined]);
  expect([backend.has('chat'), backend.has('other'), backend.has('none'), backend.has(undefined)]).toStrictEqual([
    true,
    true,
    false,
    true,
  ]);
  expect(backend.lacksDeployments()).toBe(true);
});

describe('a request for a deployment', () => {
  test.each<[Cooldown, Cooldown, string]>([
    [NONE, NONE, 'yes'],
    ['asked', NONE, 'no'],
    [NONE, 'asked', 'no'],
    ['oversized', 'guessed', 'no'],
    ['guessed', 'oversized', 'no'],
    ['oversized', NONE, 'behind'],
    [NONE, 'oversized', 'behind'],
  ])('may use a backend with %s, the deployment with %s: %s', (ofBackend, ofDeployment, expected) => {
    const { backend, cool } = pooled();
    if (ofBackend !== NONE) cool(undefined, 1000, ofBackend);
    if (ofDeployment !== NONE) cool('chat', 1000, ofDeployment);
    expect(backend.availability('chat', 0)).toBe(expected);
    expect(backend.availability('other', 0)).toBe(
      ofBackend === NONE ? 'yes' : ofBackend === 'oversized' ? 'behind' : 'no',
    );
  });

  test('waits for the later of the two, which is also the reason', () => {
    const { backend, cool } = pooled();
    cool(undefined, 1000, 'asked', 'of the backend');
    cool('chat', 2000, 'asked', 'of the deployment');
    cool('embed', 500, 'asked', 'of the other deployment');
    expect([undefined, 'chat', 'embed'].map((scope) => backend.availableAt(scope, 0))).toStrictEqual([
      1000, 2000, 1000,
    ]);
    expect([undefined, 'chat', 'embed'].map((scope) => backend.outBecause(scope, 0))).toStrictEqual([
      'of the backend',
      'of the deployment',
      'of the backend',
    ]);
    expect(backend.nextChange(0)).toBe(500);
  });

  test('may use the backend as a last resort if no server asked for its cooldown', () => {
    const { backend, cool } = pooled();
    expect(backend.givesWay('chat', 0)).toBe(false);
    cool('chat', 1000, 'guessed');
    expect([backend.givesWay('chat', 0), backend.givesWay('other', 0)]).toStrictEqual([true, false]);
    cool(undefined, 1000, 'asked');
    expect(backend.givesWay('chat', 0)).toBe(false);
  });
});

describe('what a backend remembers of its deployments', () => {
  test('is forgotten once they are back', () => {
    const { backend, cool } = pooled();
    cool('chat', 1000);
    cool('embed', 2000);
    expect(backend.look(0).cooldowns).toMatchObject([{ scope: 'chat', remaining: 1000 }, { scope: 'embed' }]);
    expect(backend.recover(1000)).toStrictEqual(['chat']);
    expect(backend.knowsDeployments).toBe(true);
    expect(backend.recover(2000)).toStrictEqual(['embed']);
    expect(backend.knowsDeployments).toBe(false);
  });

  test('waits for the backend itself, which comes back before its deployments do', () => {
    const { backend, cool } = pooled();
    cool(undefined, 2000);
    cool('chat', 1000);
    expect(backend.recover(1000)).toStrictEqual([]);
    expect(backend.recover(2000)).toStrictEqual([undefined, 'chat']);
  });

  test('is limited to about 500 names, of which the first to come back are forgotten', () => {
    const { backend, cool } = pooled();
    for (let i = 0; i < 501; i++) cool(`d${String(i)}`, i === 500 ? 1 : 10_000 - i);
    const names = backend.look(0).cooldowns.map(({ scope }) => scope);
    expect(names).toHaveLength(451);
    expect(names).toContain('d500');
    expect(names).toContain('d449');
    expect(names).not.toContain('d450');
  });

  test('is nothing for a deployment without a cooldown', () => {
    const { backend } = pooled();
    backend.keep('chat', backend.circuitFor('chat'), 0);
    expect(backend.knowsDeployments).toBe(false);
  });

  test('ends with a restore, which names what was out', () => {
    const { backend, cool } = pooled();
    cool(undefined, 1000);
    cool('chat', 1000);
    expect(backend.restore()).toStrictEqual([undefined, 'chat']);
    expect(backend.restore()).toStrictEqual([]);
    expect(backend.look(0)).toStrictEqual({ state: 'available', cooldowns: [] });
  });
});
