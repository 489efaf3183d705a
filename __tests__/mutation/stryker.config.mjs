/** `npm run test:mutation`, or `npm run test:mutation -- --mutate src/http/url.ts` for one file. */
export default {
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: '__tests__/mutation/jest.config.ts', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  // The parts that the tests of its configuration test.
  mutate: ['src/{base,http,pool,failover,axios,fetch}/**/*.ts'],
  plugins: ['@stryker-mutator/*', './__tests__/mutation/sample.mjs'],
  ignorers: ['sample'],
  // A mutant that acts while a module is loaded would need a run of all tests.
  ignoreStatic: true,
  disableTypeChecks: true,
  ignorePatterns: ['/dist', '/coverage', '/reports', '/docs', '/bench/results'],
  concurrency: 2,
  // The environment of the tests ends a run after 20 s. One that takes longer hangs.
  timeoutMS: 28_000,
  timeoutFactor: 0.1,
  tempDirName: '.stryker-tmp',
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: true },
  htmlReporter: { fileName: 'reports/mutation.html' },
  jsonReporter: { fileName: 'reports/mutation.json' },
  thresholds: { high: 95, low: 92, break: 90 },
};
