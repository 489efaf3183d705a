import type { Config } from 'jest';

// No test may hold in UTC alone.
process.env.TZ = 'America/St_Johns';

const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/__tests__'],
  testTimeout: 30_000,
  testMatch: ['**/*.test.ts'],
  // Types are checked once, by `npm run types`, not for each test file.
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
  collectCoverageFrom: ['src/**/*.ts'],
  coverageThreshold: { global: { lines: 100, branches: 100 } },
  errorOnDeprecated: true,
};

export default config;
