import type { Config } from 'jest';

// The tests must hold in every time zone, so they run in one with an odd offset from UTC.
process.env.TZ = 'America/St_Johns';

type Project = Exclude<NonNullable<Config['projects']>[number], string>;

/** The oldest supported axios, two in between and the newest, under their names in `devDependencies`. */
const AXIOS_VERSIONS = { '1.5': 'axios-1-5', '1.7': 'axios-1-7', '1.13': 'axios-1-13', newest: 'axios' };

const shared = {
  testEnvironment: 'node',
  roots: ['<rootDir>/__tests__'],
  // `npm run types` checks the types of all files at once, so the tests need no check of their own.
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      {
        diagnostics: false,
        tsconfig: {
          module: 'commonjs',
          moduleResolution: 'node10',
          ignoreDeprecations: '6.0',
          verbatimModuleSyntax: false,
          isolatedModules: true,
        },
      },
    ],
  },
  moduleNameMapper: { '^axios-priority-adapter$': '<rootDir>/src/index.ts' },
  errorOnDeprecated: true,
} satisfies Project;

const inFolders = (...folders: string[]) => folders.map((folder) => `<rootDir>/__tests__/${folder}/**/*.test.ts`);

/** The library against one version of axios, which the tests, `src` and all plugins then share. */
const withAxios = ([version, installed]: [string, string]): Project => ({
  ...shared,
  displayName: `axios ${version}`,
  testMatch: inFolders('http', 'pool', 'failover', 'axios', 'behaviour'),
  moduleNameMapper: {
    ...shared.moduleNameMapper,
    '^axios$': `<rootDir>/node_modules/${installed}/dist/node/axios.cjs`,
  },
});

const config: Config = {
  testTimeout: 30_000,
  projects: [
    { ...shared, displayName: 'library', testMatch: inFolders('http', 'pool', 'failover', 'axios', 'behaviour') },
    { ...shared, displayName: 'repo', testMatch: inFolders('repo') },
    ...Object.entries(AXIOS_VERSIONS).map(withAxios),
  ],
  collectCoverageFrom: ['src/**/*.ts'],
  coverageThreshold: { global: { lines: 100, branches: 100 } },
};

export default config;
