import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'specs',
  testMatch: '*.spec.ts',
  globalSetup: './setup/start.ts',
  // One stack for all of them, and some of them kill its processes.
  workers: 1,
  retries: 0,
  reporter: 'list',
  timeout: 90_000,
  // A reconnection after a killed process may take this long; nothing else does.
  expect: { timeout: 20_000 },
  use: {
    actionTimeout: 20_000,
    trace: 'off',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--disable-quic',
      ],
    },
  },
});
