import type { BrowserContext, Locator, Page } from '@playwright/test';
import type { Person } from '../setup/person.ts';
import { unique } from '../setup/person.ts';
import { NODES, readState } from '../setup/stack.ts';
import { expect, test as base } from '../setup/test.ts';

const [FIRST, SECOND] = NODES;

/** A site that must never be asked for anything. */
const EVIL = '//evil.invalid/';

/** What does harm where it is taken for anything but text. */
const MARKUP = [
  `<img src=${EVIL} onerror=alert(1)>`,
  `<script>alert(2)</script>`,
  `"><svg onload=alert(3)>`,
  `' autofocus onfocus='alert(4)`,
  `</title><script src=${EVIL}></script>`,
  `javascript:alert(5)//http://x`,
  `{{7*7}}\${alert(6)}<%= 6 %>`,
  `&lt;b&gt;&amp;#60;`,
];

/** The same in few characters, for names. No more than may be changed at once. */
const SHORT = [
  `<img src=x onerror=a()>`,
  `<script>a()</script>`,
  `"><svg onload=a()>`,
  `' onfocus='a()`,
  `javascript:a()&lt;b&gt;`,
];

/** Turns what follows around, on a page that lets it. */
const BIDI = 'from \u202Eevil\u202C and \u2067back\u2069';

interface Fixtures {
  /** What happened in browsers that text does not do. The test fails when there is anything. */
  deeds: string[];
}

const test = base.extend<Fixtures>({
  deeds: async ({}, use) => {
    const deeds: string[] = [];
    await use(deeds);
    expect(deeds, 'what the markup did').toEqual([]);
  },
  visitor: async ({ visitor, deeds }, use) => {
    await use(async (name, options) => {
      const person = await visitor(name, options);
      watch(person.context, deeds);
      return person;
    });
  },
});

function watch(context: BrowserContext, deeds: string[]): void {
  context.on('dialog', (dialog) => {
    deeds.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('request', (request) => {
    if (!request.url().startsWith(readState().url)) deeds.push(`a request to ${request.url()}`);
  });
}

/** Nothing in the page was made by anybody's text. */
async function expectNoMarkup(page: Page): Promise<void> {
  const made = page.locator(
    [
      'script:not([src])',
      `[src*="${EVIL}"]`,
      `[href*="${EVIL}"]`,
      '[href^="javascript:" i]',
      '[onerror], [onload], [onfocus]',
      'body b',
    ].join(', '),
  );
  expect(await made.evaluateAll((elements) => elements.map(({ outerHTML }) => outerHTML))).toEqual(
    [],
  );
}

/** An element whose text is this and nothing else, with all its spaces. */
function exactly(locator: Locator, text: string): Locator {
  return locator.filter({ hasText: text }).filter({
    has: locator.page().locator(`xpath=self::*[string(.)=${literal(text)}]`),
  });
}

/** XPath has no escapes. */
function literal(text: string): string {
  return `concat('', ${text
    .split("'")
    .map((part) => `'${part}'`)
    .join(`, "'", `)})`;
}

test('messages and drafts', async ({ guest }) => {
  const room = unique('messages');
  const anna = await guest('anna', room, FIRST);
  const berta = await guest('berta', room, SECOND);
  const texts = [...MARKUP, MARKUP.join('\n'), BIDI];
  for (const text of texts) {
    await anna.tab.message.fill(text);
    await expect(anna.tab.message).toHaveValue(text);
    await expectNoMarkup(anna.tab.page);
    await anna.tab.message.press('Enter');
  }
  for (const { tab } of [anna, berta]) {
    await tab.shows(texts);
    await expectNoMarkup(tab.page);
  }
  await berta.tab.page.reload();
  await berta.tab.shows(texts);
  await expectNoMarkup(berta.tab.page);
});

test('only addresses of web sites become links, and no page behind them gets hold of ours', async ({
  guest,
}) => {
  const anna = await guest('anna', unique('links'));
  await anna.tab.say(
    'javascript:alert(1) data:text/html,<script>alert(2)</script> https://example.invalid/"onclick=alert(3)',
  );
  const links = anna.tab.log.getByRole('link');
  await expect(links).toHaveCount(1);
  await expect(links).toHaveAttribute('href', 'https://example.invalid/');
  await expect(links).toHaveAttribute('rel', /noopener/);
});

test('what turns the direction of text does so in its own message alone', async ({ guest }) => {
  const anna = await guest('anna', unique('bidi'));
  const open = '\u202E\u2066\u202Bnever closed';
  await anna.tab.say(open);
  await anna.tab.say('after it');
  await expect(anna.tab.heard('after it')).toHaveCount(1);
  for (const text of [open, 'after it']) {
    const isolation = await anna.tab
      .heard(text)
      .locator('.message-text')
      .evaluate((element) => getComputedStyle(element).unicodeBidi);
    expect(isolation).toMatch(/isolate|plaintext/);
  }
});

test('rooms', async ({ guest }) => {
  const anna = await guest('anna', unique('rooms'), FIRST);
  const berta = await guest('berta', unique('elsewhere'), SECOND);
  const mark = unique('r').slice(-6);
  for (const text of MARKUP) {
    const name = `${text} ${mark}`;
    const { page } = anna.tab;
    await page.getByRole('textbox', { name: 'Room name' }).fill(name);
    await page.getByRole('button', { name: 'Create room' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
    await expect(page).toHaveTitle(`${name} · PacktChat`);
    await expectNoMarkup(page);

    const rooms = berta.tab.page.getByRole('list', { name: 'Rooms', exact: true });
    await exactly(rooms.locator('.rooms-name'), name).click();
    await expect(berta.tab.page.getByRole('heading', { level: 1 })).toHaveText(name);
    await berta.tab.page.reload();
    await expect(berta.tab.page.getByRole('heading', { level: 1 })).toHaveText(name);
    await expectNoMarkup(berta.tab.page);
  }
});

test('links to rooms nobody may have made', async ({ guest }) => {
  const anna = await guest('anna', unique('links'));
  const { page } = anna.tab;
  for (const text of [...MARKUP, BIDI]) {
    const name = `${text} ${'x'.repeat(64)}`;
    // First as somebody writes it who encodes nothing.
    await page.goto(`/chat#room/${name}`);
    await page.goto(`/chat#room/${encodeURIComponent(name)}`);
    await expect(page.getByText('A room name has at most 64 characters')).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Room name' })).toHaveValue(name);
    await expectNoMarkup(page);
  }
});

test('display names', async ({ guest }) => {
  const room = unique('names');
  const anna = await guest('anna', room, FIRST);
  const berta = await guest('berta', room, SECOND);
  const account = await anna.anotherTab();
  const { page } = account;
  for (const [index, text] of SHORT.entries()) {
    const name = `${text}${unique('').slice(0, 8)}`;
    await page.goto('/account');
    await page.getByLabel('Display name').fill(name);
    await page.getByRole('button', { name: 'Change the name' }).click();
    await expect(page.getByText(`From now on others see you as ${name}.`)).toBeVisible();
    await expect(page.locator('.viewer')).toHaveText(name);
    await expect(page.getByLabel('Display name')).toHaveValue(name);
    await expectNoMarkup(page);

    for (const { tab } of [anna, berta]) {
      await expect(exactly(tab.page.locator('.person-name'), name)).toHaveCount(1);
    }
    await anna.tab.say(`as number ${index}`);
    const heard = berta.tab.heard(`as number ${index}`);
    await expect(exactly(heard.locator('.message-name'), name)).toHaveCount(1);
    for (const { tab } of [anna, berta]) await expectNoMarkup(tab.page);
  }
});

test('names with marks that do not show are refused', async ({ guest }) => {
  const anna = await guest('anna', unique('marks'));
  const { page } = await anna.anotherTab();
  await page.goto('/account');
  for (const name of ['\u202Eanna', 'an\u200Bna', 'anna\u2069']) {
    await page.getByLabel('Display name').fill(name);
    await page.getByRole('button', { name: 'Change the name' }).click();
    await expect(page.getByLabel('Display name')).toHaveAttribute('aria-invalid', 'true');
    await expect(page.locator('.viewer')).toHaveText(anna.name);
  }
});

test('usernames, in forms that come back with them', async ({ visitor }) => {
  const eve = await visitor('eve');
  const { page } = eve.tab;
  for (const text of MARKUP) {
    for (const form of ['/account/register', '/account/login']) {
      await page.goto(form);
      await takeWhatever(page);
      await eve.fillOut({ name: text });
      await expect(page.getByRole('alert')).toBeVisible();
      await expect(page).toHaveURL(form);
      await expect(page.getByLabel('Username')).toHaveValue(text);
      await expectNoMarkup(page);
    }
  }
});

/** Sends the form as a program would that does not keep to it. */
async function takeWhatever(page: Page): Promise<void> {
  await page.getByLabel('Username').evaluate((field: HTMLInputElement) => {
    field.maxLength = 1_000;
    if (field.form !== null) field.form.noValidate = true;
  });
}

test('where to go on after signing in', async ({ visitor }) => {
  const eve = await visitor('eve');
  const { page } = eve.tab;
  await eve.register();
  await page.goto('/account/logout');
  await page.getByRole('main').getByRole('button').click();
  const ways = [
    ...MARKUP,
    ...MARKUP.map((text) => `/chat${text}`),
    `https:${EVIL}`,
    EVIL,
    `/${EVIL}`,
    '/\\evil.invalid/',
    '/\t/evil.invalid/',
    'data:text/html,<script>alert(1)</script>',
  ];
  for (const next of ways) {
    for (const form of ['/account/login', '/account/register']) {
      await page.goto(`${form}?next=${encodeURIComponent(next)}`);
      await expectNoMarkup(page);
    }
  }
  for (const next of [`javascript:alert(1)`, `https:${EVIL}`, EVIL, '/\\evil.invalid/']) {
    await page.goto(`/account/login?next=${encodeURIComponent(next)}`);
    await eve.fillOut();
    await expect(page).toHaveURL('/chat');
    await signOut(eve);
  }
  await page.goto(`/account/login?next=${encodeURIComponent('/account?x="><script>alert(1)')}`);
  await eve.fillOut();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your account');
  await expectNoMarkup(page);
});

async function signOut({ tab: { page } }: Person): Promise<void> {
  await page.goto('/account/logout');
  await page.getByRole('main').getByRole('button').click();
  await expect(page.getByText('You are signed out.')).toBeVisible();
}

test('addresses nobody has', async ({ visitor }) => {
  const { tab } = await visitor('wanderer');
  for (const text of MARKUP) {
    const place = encodeURIComponent(text);
    for (const path of [`/${place}`, `/account/${place}?x=${place}`, `/auth/${place}`]) {
      await tab.page.goto(`${path}#${place}`);
      await expectNoMarkup(tab.page);
    }
  }
});

test('the names of devices', async ({ visitor }) => {
  for (const userAgent of MARKUP.slice(0, 3)) {
    const eve = await visitor('eve', { userAgent });
    await eve.register();
    await eve.tab.page.goto('/account');
    await expect(eve.tab.page.getByText('this session', { exact: true })).toBeVisible();
    await expectNoMarkup(eve.tab.page);
  }
});
