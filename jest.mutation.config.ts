import type { Config } from 'jest';
import config from './jest.config';

/** For `npm run test:mutation`: without the suites that start built code or the compiler, which see no mutant. */
export default {
  ...config,
  testPathIgnorePatterns: ['/node_modules/', '/(?:bench|demo|docs|examples|package|picture|readme)\\.test\\.ts$'],
  runner: '<rootDir>/__tests__/mutation/runner.cjs',
  // Relative: Stryker resolves it too, and knows no <rootDir>.
  testEnvironment: './__tests__/mutation/environment.cjs',
  testTimeout: 5000,
} satisfies Config;
