// People in headless Chromium at a PacktChat that docker compose runs.
//
//   node people.js talk URL FILE    two register, are on two nodes, and talk; FILE keeps who they are
//   node people.js return URL FILE  they are still signed in, read what was said, and sign in anew with their passwords
//   node people.js sign-in URL FILE they sign in anew with their passwords
//   node people.js unknown URL FILE they try to, and are told that nobody knows them
//   node people.js demo URL PICTURE somebody signs in with the demo provider and talks; PICTURE shows it
//
// Uses Playwright of tests/browser, and the Chromium that CHROMIUM names or Debian brings.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../browser/package.json', import.meta.url));
const { chromium, expect: impatient } = require('@playwright/test');

// The machine has other work.
const expect = impatient.configure({ timeout: 20_000 });

const ROOM = 'harbour';
const [what, url, file] = process.argv.slice(2);

/** A name nobody else has. */
const unique = (name) => `${name}-${randomBytes(4).toString('hex')}`;

async function fillOut(page, { name, password }) {
  await page.getByLabel('Username').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('main').getByRole('button').click();
}

async function fillOutAndEnter(page, person) {
  await fillOut(page, person);
  await expect(page).toHaveURL(`${url}/chat`);
}

/** The node HAProxy sent the newest socket to. */
async function node(context) {
  const cookies = await context.cookies();
  return cookies.find(({ name }) => name === 'SERVERID')?.value;
}

async function enter(page) {
  await page.goto(`${url}/chat`);
  await expect(page.getByText('Connected', { exact: true })).toBeVisible();
  await page.goto(`${url}/chat#room/${ROOM}`);
  await expect(page.getByRole('heading', { level: 1, name: ROOM })).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused();
}

async function say(page, text) {
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill(text);
  await message.press('Enter');
  await expect(message).toHaveValue('');
}

/** The stored message with this text. */
const heard = (page, text) => page.getByRole('log').locator('li[data-seq]').filter({ hasText: text });

/** Somebody new, in a browser of their own. */
async function register(browser, name) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const person = { name: unique(name), password: randomBytes(12).toString('base64url') };
  await page.goto(`${url}/account/register`);
  await fillOutAndEnter(page, person);
  return { ...person, context, page };
}

async function talk(browser) {
  const ann = await register(browser, 'ann');
  await enter(ann.page);
  const bob = await register(browser, 'bob');
  for (let tries = 1; ; tries += 1) {
    await enter(bob.page);
    if ((await node(bob.context)) !== (await node(ann.context))) break;
    if (tries === 20) throw new Error('both are on one node, twenty times');
    await bob.context.clearCookies({ name: 'SERVERID' });
  }
  const said = { ann: unique('ahoy'), bob: unique('aye') };
  await say(ann.page, said.ann);
  await say(bob.page, said.bob);
  for (const { page } of [ann, bob]) {
    await expect(heard(page, said.ann)).toHaveCount(1);
    await expect(heard(page, said.bob)).toHaveCount(1);
  }
  const people = [ann, bob].map(async ({ name, password, context }) => {
    return { name, password, session: await context.storageState() };
  });
  writeFileSync(file, JSON.stringify({ said, people: await Promise.all(people) }));
  console.log(`${ann.name} on ${await node(ann.context)} and ${bob.name} on ${await node(bob.context)} hear each other`);
}

async function comeBack(browser) {
  const { said, people } = JSON.parse(readFileSync(file, 'utf8'));
  for (const { session } of people) {
    const context = await browser.newContext({ storageState: session });
    const page = await context.newPage();
    await enter(page);
    await expect(heard(page, said.ann)).toHaveCount(1);
    await expect(heard(page, said.bob)).toHaveCount(1);
  }
  console.log('both are still signed in and read what was said');
  await signIn(browser);
}

/** Each of them at the form to sign in, in a browser that knows nothing. */
async function* atTheDoor(browser) {
  const { people } = JSON.parse(readFileSync(file, 'utf8'));
  for (const person of people) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${url}/account/login`);
    yield { page, person };
  }
}

async function signIn(browser) {
  for await (const { page, person } of atTheDoor(browser)) await fillOutAndEnter(page, person);
  console.log('both sign in with their passwords');
}

async function unknown(browser) {
  for await (const { page, person } of atTheDoor(browser)) {
    await fillOut(page, person);
    await expect(page.getByRole('alert')).toHaveText('Wrong Username or Password');
  }
  console.log('neither is known');
}

async function demo(browser) {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 700 } })).newPage();
  const name = unique('dora');
  await page.goto(`${url}/account/login`);
  await page.getByRole('link', { name: 'Continue with Demo' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Demo provider');
  await page.getByLabel('Who are you?').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${url}/account/username`);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page).toHaveURL(`${url}/chat`);
  await enter(page);
  const text = `It is me, ${name}`;
  await say(page, text);
  await expect(heard(page, text)).toHaveCount(1);
  await page.screenshot({ path: file });
  console.log(`${name} signed in with the demo provider and talks`);
}

const errands = { talk, return: comeBack, 'sign-in': signIn, unknown, demo };
if (!(what in errands) || file === undefined) {
  console.error('usage: node people.js talk|return|sign-in|unknown|demo URL FILE');
  process.exit(2);
}
const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium' });
try {
  await errands[what](browser);
} finally {
  await browser.close();
}
