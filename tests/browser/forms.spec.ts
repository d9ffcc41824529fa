import { expect, test } from '@playwright/test';
import { PASSWORD, Person, freshName } from './person.ts';
import { Stack } from './stack.ts';

let stack: Stack;

test.beforeAll(async () => {
  test.setTimeout(120_000);
  stack = await Stack.start();
});

test.afterAll(async () => {
  test.setTimeout(90_000);
  await stack.stop();
});

test('wrong password and unknown user get the same answer', async ({ browser }) => {
  const known = await Person.register(browser, stack.url, 'alice', 'lobby');
  const page = await (await browser.newContext({ baseURL: stack.url })).newPage();
  for (const name of [known.name, freshName('nobody')]) {
    await page.goto('/account/login');
    await page.getByLabel('Username').fill(name);
    await page.getByLabel('Password', { exact: true }).fill('wrong horse battery');
    await page.getByLabel('Password', { exact: true }).press('Enter');
    await expect(page.getByText('Wrong Username or Password').first()).toBeVisible();
  }
});

test('a taken name, and empty fields', async ({ browser }) => {
  const known = await Person.register(browser, stack.url, 'alice', 'lobby');
  const page = await (await browser.newContext({ baseURL: stack.url })).newPage();
  await page.goto('/account/register');
  await page.getByLabel('Username').fill(known.name);
  await page.getByLabel('Password', { exact: true }).fill('another horse battery');
  await page.getByLabel('Password', { exact: true }).press('Enter');
  await expect(page.getByText('User exists!').first()).toBeVisible();

  await page.goto('/account/register');
  // The browser would stop empty fields before the server sees them.
  await page.locator('main form').evaluate((form) => {
    (form as HTMLFormElement).noValidate = true;
  });
  await page.locator('main form button').click();
  await expect(page.getByText('Please fill out all the fields').first()).toBeVisible();
});

test('a form without its token is refused', async ({ page }) => {
  await page.goto(`${stack.url}/account/login`);
  await page.locator('input[name=csrf]').evaluate((field) => {
    field.remove();
  });
  await page.getByLabel('Username').fill('alice');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    page.getByLabel('Password', { exact: true }).press('Enter'),
  ]);
  expect(answer.status()).toBe(403);
});

test('an unknown address', async ({ page }) => {
  const answer = await page.goto(`${stack.url}/no/such/page`);
  expect(answer?.status()).toBe(404);
  await expect(page.getByText('You seem lost').first()).toBeVisible();
});

test('auth stands still: the form answers within its deadline, and works again afterwards', async ({
  browser,
}) => {
  const known = await Person.register(browser, stack.url, 'alice', 'lobby');
  const page = await (await browser.newContext({ baseURL: stack.url })).newPage();
  const signIn = async () => {
    await page.goto('/account/login?next=/chat');
    await page.getByLabel('Username').fill(known.name);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password', { exact: true }).press('Enter');
  };
  const auths = ['auth-1', 'auth-2'];
  for (const name of auths) stack.signal(name, 'SIGSTOP');
  try {
    await signIn();
    await expect(page.getByText(/try again in a moment/i).first()).toBeVisible();
  } finally {
    for (const name of auths) stack.signal(name, 'SIGCONT');
  }
  await expect(async () => {
    await signIn();
    await expect(page).toHaveURL(/\/chat/, { timeout: 3_000 });
  }).toPass({ timeout: 30_000 });
});

test('what cannot be said is answered, and nothing is lost or run', async ({ browser }) => {
  const alice = await Person.register(browser, stack.url, 'alice', freshName('room'));
  const composer = alice.page.getByLabel('Message', { exact: true });
  await composer.press('Enter');
  await expect(alice.page.getByText('Please enter a message')).toBeVisible();

  const long = 'x'.repeat(4_001);
  await alice.say(long);
  await expect(alice.page.getByRole('alert').filter({ hasText: '4,000' }).first()).toBeVisible();
  await expect(composer).toHaveValue(long);

  await alice.say('<img src=x onerror="document.title=1"><b>bold</b>');
  await alice.reads('<img src=x onerror="document.title=1"><b>bold</b>');
  await expect(alice.page.locator('li.message--mine')).toHaveCount(1);
  expect(alice.troubles).toEqual([]);
});

test('by keyboard alone, on a phone', async ({ browser }) => {
  const context = await browser.newContext({
    baseURL: stack.url,
    viewport: { width: 390, height: 780 },
  });
  const page = await context.newPage();
  const focused = async (
    name: string | RegExp,
    role: 'textbox' | 'button' | 'link' = 'textbox',
  ) => {
    for (let tabs = 0; tabs < 25; tabs += 1) {
      const there = page.getByRole(role, { name }).first();
      if (
        (await there.count()) > 0 &&
        (await there.evaluate((one) => one === document.activeElement))
      )
        return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not lead to ${String(name)}`);
  };
  await page.goto('/account/register');
  await focused(/Username/);
  await page.keyboard.type(freshName('carol'));
  await focused(/Password/);
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Room name' })).toBeVisible();
  await focused('Room name');
  const room = freshName('room');
  await page.keyboard.type(room);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: room })).toBeVisible();
  await focused('Message');
  await page.keyboard.type('typed, not clicked');
  await page.keyboard.press('Enter');
  await expect(page.locator('li[data-seq]')).toHaveCount(1);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await context.close();
});
