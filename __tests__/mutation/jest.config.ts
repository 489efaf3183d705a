import { join } from 'node:path';
import type { Config } from 'jest';
import { LIBRARY, shared } from '../../jest.config';

/** The tests of the library, without those that take seconds to show that nothing adds up. */
export default {
  ...shared,
  rootDir: join(__dirname, '../..'),
  testMatch: LIBRARY,
  testPathIgnorePatterns: ['/node_modules/', '/__tests__/endurance/', '/__tests__/architecture'],
  testTimeout: 5000,
} satisfies Config;
