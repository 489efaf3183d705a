/** The examples, copied out of the repository and installed with the packed package. Needs the npm registry. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FakeBackend } from '../support/fake-backend';
import { PackedPackage } from '../support/packed';

const execute = promisify(execFile);

let packed: PackedPackage;
let folder: string;

beforeAll(async () => {
  packed = await PackedPackage.pack();
  folder = await packed.copyOut('examples');
}, 120_000);

afterAll(() => packed.remove());

test('npm install && node waiting.mjs works in a copy of the examples', async () => {
  const backend = await FakeBackend.start();
  try {
    const env = { ...process.env, EASTUS_URL: backend.url, EASTUS_KEY: 'secret-east' };
    const { stdout } = await execute(process.execPath, ['waiting.mjs'], { cwd: folder, env });
    expect(stdout).toBe('answered after 1 attempts\nanswered at once\n');
    expect(backend.calls.map(({ headers }) => headers['api-key'])).toStrictEqual(['secret-east', 'secret-east']);
  } finally {
    await backend.close();
  }
});

test.each([
  ['mock-adapter.mjs', /pass \d+\n.*fail 0\n/],
  ['demo.mjs', / 0 lost, in /],
])(
  '%s runs in a copy of the examples',
  async (program, says) => {
    const { stdout } = await execute(process.execPath, [program], {
      cwd: folder,
      env: { ...process.env, NODE_TEST_CONTEXT: '' },
    });
    expect(stdout).toMatch(says);
  },
  60_000,
);
