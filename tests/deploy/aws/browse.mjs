// usage: browse.mjs URL
//
// Registers somebody at the PacktChat at URL, opens the chat, makes a room and says something. Prints as JSON what was loaded
// (address and status) and what the browser complained of.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

// The browser of tests/browser, in its version.
const { chromium } = createRequire(new URL('../../browser/', import.meta.url))('@playwright/test');

const url = process.argv[2];
const PATIENCE_MS = 15_000;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' });
try {
  const page = await browser.newPage({ baseURL: url });
  page.setDefaultTimeout(PATIENCE_MS);
  const loaded = [];
  const complaints = [];
  page.on('response', (response) => loaded.push([response.url(), response.status()]));
  const firstComplaint = new Promise((resolve) => {
    const complain = (text) => resolve(complaints.push(text));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
    });
    page.on('pageerror', (error) => complain(error.message));
    page.on('requestfailed', (request) =>
      complain(`${request.url()}: ${request.failure()?.errorText}`),
    );
  });

  await page.goto('/account/register');
  await page.getByLabel('Username').fill(`static-${randomBytes(5).toString('hex')}`);
  await page.getByLabel('Password').fill(randomBytes(12).toString('base64url'));
  await page.getByRole('main').getByRole('button').click();
  await page.waitForURL('/chat');
  // The chat's own field to type in: it runs. Or it never will.
  const field = page.getByRole('main').getByRole('textbox').first();
  const runs = await Promise.race([
    field.waitFor().then(() => true),
    firstComplaint.then(() => false),
  ]);
  await page.waitForLoadState('networkidle');
  process.stdout.write(`${JSON.stringify({ runs, loaded, complaints })}\n`);
} finally {
  await browser.close();
}
