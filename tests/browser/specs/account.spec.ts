import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from '../setup/axe.ts';
import { tabTo } from '../setup/keyboard.ts';
import { expectToFit } from '../setup/layout.ts';
import { unique } from '../setup/person.ts';
import type { Person } from '../setup/person.ts';
import { expect, test } from '../setup/test.ts';

const ACCOUNT = '/account';
const LOGIN = '/account/login?next=%2Faccount';
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;
/** Milliseconds until a session that was ended has lost its page and its socket, on every node. */
const AT_ONCE = 2_000;

function flash(page: Page): Locator {
  return page.locator('.flash');
}

function sessions(page: Page): Locator {
  return page.getByRole('region', { name: 'Where you are signed in' }).getByRole('listitem');
}

/** Signs in to the account of somebody in another browser. */
async function signIn(other: Person, { name, password }: Person): Promise<void> {
  await other.tab.page.goto(LOGIN);
  await other.fillOut({ name, password });
  await expect(other.tab.page).toHaveURL(ACCOUNT);
}

async function expectSignedOut({ tab: { page } }: Person): Promise<void> {
  await page.goto(ACCOUNT);
  await expect(page).toHaveURL(LOGIN);
}

test('another name is seen in the chat at once', async ({ guest }) => {
  const room = unique('names');
  const anna = await guest('anna', room);
  const bert = await guest('bert', room);
  const { page } = await anna.anotherTab();
  await page.goto('/chat');
  await page.getByRole('link', { name: anna.name }).click();
  await expect(page).toHaveURL(ACCOUNT);

  const name = unique('Anna <b>M.</b>');
  await page.getByLabel('Display name').fill(name);
  await page.getByRole('button', { name: 'Change the name' }).click();
  await expect(flash(page)).toHaveText(`From now on others see you as ${name}.`);
  await expect(page.getByRole('link', { name })).toBeVisible();
  await expect(bert.tab.person(name)).toBeVisible();
  await expect(bert.tab.person(anna.name)).toBeHidden();
  await anna.tab.say('still here');
  await bert.tab.shows(['still here']);
});

test('a new password leaves this browser signed in and no other', async ({ visitor, guest }) => {
  const anna = await guest('anna', unique('passwords'));
  const other = await visitor('other');
  await signIn(other, anna);
  const { page } = other.tab;

  const password = unique('password');
  await page.getByLabel('Current password').fill('not the right one');
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(flash(page)).toHaveText('That is not your current password.');
  await expect(page.getByLabel('Current password')).toHaveAccessibleDescription(/not your current/);

  await page.getByLabel('Current password').fill(anna.password);
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(flash(page)).toHaveText(/signed out everywhere else/);
  await expect(anna.tab.page).toHaveURL(/\/account\/login/, { timeout: AT_ONCE });
  await expect(sessions(page)).toHaveCount(1);

  await anna.fillOut();
  await expect(flash(anna.tab.page)).toHaveText('Wrong Username or Password');
  await anna.fillOut({ password });
  await expect(anna.tab.page).toHaveURL(/\/chat/);
});

test('one session is ended, and then all others', async ({ visitor, guest }) => {
  const anna = await guest('anna', unique('sessions'));
  const phone = await visitor('phone', {
    ...PHONE,
    userAgent:
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/139.0.0.0 Mobile Safari/537.36',
  });
  const library = await visitor('library', {
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; rv:141.0) Gecko/20100101 Firefox/141.0',
  });
  for (const browser of [phone, library]) await signIn(browser, anna);

  const { page } = library.tab;
  await expect(sessions(page)).toHaveCount(3);
  const here = sessions(page).filter({ hasText: 'Firefox on Windows' });
  await expect(here).toContainText('this session');
  await expect(here.locator('time').first()).toHaveText('just now');
  const mobile = sessions(page).filter({ hasText: 'Chrome on Android' });
  await mobile.getByRole('button', { name: 'Sign out' }).click();
  await expect(flash(page)).toHaveText('You are signed out there.');
  await expect(sessions(page)).toHaveCount(2);
  await expectSignedOut(phone);
  await expect(anna.tab.message).toBeVisible();

  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(anna.tab.page).toHaveURL(/\/account\/login/, { timeout: AT_ONCE });
  await expect(flash(page)).toHaveText('You are signed out everywhere else.');
  await expect(sessions(page)).toHaveCount(1);

  await here.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL('/');
  await expect(flash(page)).toHaveText('You are signed out.');
  await expectSignedOut(library);
});

test('with the keyboard alone, on a phone', async ({ visitor }) => {
  const anna = await visitor('anna', PHONE);
  const { page } = anna.tab;
  const { keyboard } = page;
  await anna.register();
  await tabTo(page.getByRole('link', { name: anna.name }));
  await keyboard.press('Enter');
  await expect(page).toHaveURL(ACCOUNT);
  await expectToFit(page);

  const name = unique('Anna');
  await tabTo(page.getByLabel('Display name'));
  await keyboard.press('ControlOrMeta+A');
  await keyboard.type(name);
  await keyboard.press('Enter');
  await expect(flash(page)).toHaveText(`From now on others see you as ${name}.`);
  await expectToFit(page);

  await tabTo(page.getByLabel('Current password'));
  await keyboard.type(anna.password);
  await keyboard.press('Tab');
  await keyboard.type(unique('password'));
  await keyboard.press('Enter');
  await expect(flash(page)).toHaveText(/Your password is set/);

  await tabTo(sessions(page).getByRole('button', { name: 'Sign out' }));
  await keyboard.press('Enter');
  await expect(page).toHaveURL('/');
});

test('nothing for a program to object to, by day and by night', async ({ visitor }) => {
  const anna = await visitor('anna');
  const { page } = anna.tab;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const path of ['/account/login', '/account/register']) {
      await page.goto(path);
      await expectAccessible(page);
    }
  }
  await anna.register();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto(ACCOUNT);
    await expectAccessible(page);
  }
});

test('without JavaScript', async ({ visitor }) => {
  const anna = await visitor('anna', { javaScriptEnabled: false });
  const { page } = anna.tab;
  await page.goto('/account/register?next=%2Faccount');
  await anna.fillOut();
  await expect(page).toHaveURL(ACCOUNT);
  await expect(sessions(page).locator('time').first()).toHaveText(/^\d+ \w+ \d{4}, \d\d:\d\d UTC$/);
  await page.getByLabel('Display name').fill('');
  await page.getByRole('button', { name: 'Change the name' }).click();
  await expect(flash(page)).toHaveText(`From now on others see you as ${anna.name}.`);
});
