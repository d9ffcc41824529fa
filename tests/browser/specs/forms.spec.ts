import type { Locator, Page } from '@playwright/test';
import { unique } from '../setup/person.ts';
import type { Person } from '../setup/person.ts';
import { signal } from '../setup/stack.ts';
import { expect, test } from '../setup/test.ts';

const LOGIN = '/account/login';
const REGISTER = '/account/register';
/** Milliseconds a form may take to answer that it cannot: its patience with `auth` is 5,000. */
const DEADLINE = 8_000;

function flash(page: Page): Locator {
  return page.locator('.flash');
}

async function skipBrowserChecks(page: Page): Promise<void> {
  await page.locator('main form').evaluate((form: HTMLFormElement) => {
    form.noValidate = true;
  });
}

async function member(visitor: (name: string) => Promise<Person>): Promise<Person> {
  const person = await visitor('member');
  await person.register();
  return person;
}

test('a wrong password and an unknown user get the same words', async ({ visitor }) => {
  const { name } = await member(visitor);
  const other = await visitor('other');
  const { page } = other.tab;
  for (const attempt of [{ name }, { name: unique('nobody') }]) {
    await page.goto(LOGIN);
    await other.fillOut(attempt);
    await expect(flash(page)).toHaveText('Wrong Username or Password');
    await expect(page).toHaveURL(LOGIN);
    await expect(page.getByLabel('Username')).toHaveValue(attempt.name);
  }
});

test('a name that is taken, whatever its capitals', async ({ visitor }) => {
  const { name } = await member(visitor);
  const other = await visitor('other');
  await other.tab.page.goto(REGISTER);
  await other.fillOut({ name: name.toUpperCase() });
  await expect(flash(other.tab.page)).toHaveText('User exists!');
});

test('empty fields', async ({ visitor }) => {
  const { tab } = await visitor('hasty');
  const answers = [
    [LOGIN, 'Missing credentials'],
    [REGISTER, 'Please fill out all the fields'],
  ] as const;
  for (const [form, answer] of answers) {
    await tab.page.goto(form);
    await skipBrowserChecks(tab.page);
    await tab.page.getByRole('main').getByRole('button').click();
    await expect(flash(tab.page)).toHaveText(answer);
    await expect(tab.page.getByText(answer)).toHaveCount(1);
    await expect(tab.page.getByLabel('Username')).toHaveAccessibleDescription(new RegExp(answer));
  }
});

test('a form with a token that is missing or not its own', async ({ visitor }) => {
  const eve = await visitor('eve');
  const { page } = eve.tab;
  const tamperings = [
    (field: HTMLInputElement) => {
      field.value = 'A'.repeat(field.value.length);
    },
    (field: HTMLInputElement) => {
      field.remove();
    },
  ];
  for (const tamper of tamperings) {
    await page.goto(REGISTER);
    await page.locator('input[name=csrf]').evaluate(tamper);
    const answer = page.waitForResponse((response) => response.request().method() === 'POST');
    await eve.fillOut();
    expect((await answer).status()).toBe(403);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('This form is out of date');
  }
  await page.getByRole('link', { name: 'Reload the form' }).click();
  await eve.fillOut();
  await expect(page).toHaveURL('/chat');
});

test('an unknown address', async ({ visitor }) => {
  const { tab } = await visitor('wanderer');
  const answer = await tab.page.goto('/no/such/page');
  expect(answer?.status()).toBe(404);
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('You seem lost');
  await tab.page.getByRole('link', { name: 'Go to the start' }).click();
  await expect(tab.page).toHaveURL('/');
});

test('a link to a room leads there through registering, signing out and in', async ({
  visitor,
}) => {
  const guest = await visitor('guest');
  const { page } = guest.tab;
  const room = unique('deep link & more');
  const link = `/chat#room/${encodeURIComponent(room)}`;
  const arrived = async () => {
    await expect(page.getByRole('heading', { level: 1, name: room })).toBeVisible();
    expect(new URL(page.url()).hash).toBe(new URL(link, page.url()).hash);
  };
  await page.goto(link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Sign in');
  await page.getByRole('main').getByRole('link', { name: 'Register' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Register');
  await guest.fillOut();
  await arrived();

  await page.getByRole('link', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.goto(link);
  await guest.fillOut({ password: 'not the right one' });
  await expect(flash(page)).toHaveText('Wrong Username or Password');
  await guest.fillOut();
  await arrived();
});

test('auth stands still: the form says so in time, and works again afterwards', async ({
  visitor,
}) => {
  const { name, password } = await member(visitor);
  const other = await visitor('other');
  const { page } = other.tab;
  const auths = ['auth-1', 'auth-2'];
  await page.goto(LOGIN);
  for (const auth of auths) signal(auth, 'SIGSTOP');
  try {
    await other.fillOut({ name, password });
    await expect(flash(page)).toContainText('Please try again in a moment', { timeout: DEADLINE });
  } finally {
    for (const auth of auths) signal(auth, 'SIGCONT');
  }
  await other.fillOut({ name, password });
  await expect(page).toHaveURL('/chat');
});
