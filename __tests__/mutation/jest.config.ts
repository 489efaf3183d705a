import { join } from 'node:path';
import type { Config } from 'jest';
import { shared } from '../../jest.config';

/** The tests of the library in one file, without those of endurance, which take seconds. */
export default {
  ...shared,
  rootDir: join(__dirname, '../..'),
  testEnvironment: join(__dirname, 'environment.cjs'),
  testMatch: ['<rootDir>/__tests__/mutation/library.test.ts'],
  testTimeout: 5000,
} satisfies Config;
