/** Mutation testing: `npm run test:mutation`, or `npm run test:mutation -- --mutate src/url.ts` for one file. */
export default {
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: 'jest.mutation.config.ts', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  mutate: ['src/**/*.ts'],
  // Our jest runner stops at the first failure, so those that act while a module is loaded cost no more than others.
  ignoreStatic: false,
  disableTypeChecks: true,
  concurrency: 2,
  // What jest itself takes for a file counts too, and is not in what Stryker multiplies.
  timeoutMS: 10_000,
  timeoutFactor: 1.5,
  tempDirName: '.stryker-tmp',
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: true },
  htmlReporter: { fileName: 'reports/mutation.html' },
  jsonReporter: { fileName: 'reports/mutation.json' },
  thresholds: { high: 95, low: 92, break: 90 },
};
