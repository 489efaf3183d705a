import type { Config } from 'jest';

// The tests must hold in every time zone, so they run in one with an odd offset from UTC.
process.env.TZ = 'America/St_Johns';

type Project = Pick<
  Config,
  | 'testEnvironment'
  | 'roots'
  | 'transform'
  | 'errorOnDeprecated'
  | 'displayName'
  | 'testMatch'
  | 'moduleNameMapper'
  | 'globals'
>;

/** The versions of axios beside the newest, under their names in `devDependencies`. The oldest is the oldest supported. */
const OLDER_AXIOS = { '1.5': 'axios-1-5', '1.7': 'axios-1-7', '1.13': 'axios-1-13' };

export const shared: Project = {
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
  errorOnDeprecated: true,
};

const inFolders = (...folders: string[]) => folders.map((folder) => `<rootDir>/__tests__/${folder}/**/*.test.ts`);

/** Tests of the library alone: they import `src` and need no build. */
export const LIBRARY = [
  ...inFolders(
    'base',
    'http',
    'pool',
    'failover',
    'axios',
    'fetch',
    'behaviour',
    'endurance',
    'sharing',
    'status-page',
  ),
  '<rootDir>/__tests__/architecture.test.ts',
];

/** The files that look at what axios itself sends, receives and rejects with. */
const ABOUT_AXIOS = [
  'axios/{attempt-config,connect-timeout,connections,every-version,mistakes,priority-adapter,redirect-chain*}',
  'axios/{adapter-kind,attempt-params,other-copy,redirect-guard,restore-config,stale-connection}',
  'behaviour/plugins',
  'failover/{deployment-name,failover-condition,failover,redact}',
  'http/{body-model,credentials,route,url}',
];
const ABOUT_FETCH = ['axios/{fetch-redirects,response}', 'failover/budget'];

/** The library with one version of axios, which the tests, `src` and all plugins then share. */
const withAxios = ([version, installed]: [string, string]): Project => {
  // axios has a fetch adapter since 1.7.
  const files = version === '1.5' ? ABOUT_AXIOS : [...ABOUT_AXIOS, ...ABOUT_FETCH];
  return {
    ...shared,
    displayName: `axios ${version}`,
    testMatch: files.map((file) => `<rootDir>/__tests__/${file}.test.ts`),
    moduleNameMapper: { '^axios$': `<rootDir>/node_modules/${installed}/dist/node/axios.cjs` },
    globals: { installedAxios: installed },
  };
};

const config: Config = {
  testTimeout: 30_000,
  projects: [
    { ...shared, displayName: 'library', testMatch: LIBRARY },
    ...Object.entries(OLDER_AXIOS).map(withAxios),
    { ...shared, displayName: 'repo', testMatch: inFolders('repo') },
    { ...shared, displayName: 'package', testMatch: inFolders('package') },
    { ...shared, displayName: 'neighbours', testMatch: inFolders('neighbours') },
    { ...shared, displayName: 'runtimes', testMatch: inFolders('runtimes') },
    { ...shared, displayName: 'redis', testMatch: inFolders('redis') },
    { ...shared, displayName: 'browser', testMatch: inFolders('browser') },
  ],
  // The page itself runs in a browser, where the suite `browser` tests it.
  collectCoverageFrom: ['src/**/*.ts', '!src/status-page/page/**'],
  coverageThreshold: { global: { lines: 100, branches: 100 } },
};

export default config;
