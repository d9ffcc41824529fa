import type { Page } from '@playwright/test';
import type { Person, Tab } from '../setup/person.ts';
import { unique } from '../setup/person.ts';
import { NODES, socketsOf } from '../setup/stack.ts';
import { expect, test } from '../setup/test.ts';

const [FIRST, SECOND] = NODES;

/** Milliseconds within which an ended session has lost its pages and sockets, on every node. */
const AT_ONCE = 2_000;

/** Signs somebody in on another device of theirs. */
async function signIn(device: Person, { name, password }: Person): Promise<void> {
  await device.tab.page.goto('/account/login');
  await device.fillOut({ name, password });
  await expect(device.tab.page).toHaveURL('/chat');
}

/** Two tabs of one browser in a room, one on each node. */
async function onBothNodes(person: Person, room: string): Promise<readonly [Tab, Tab]> {
  await person.pin(SECOND);
  const other = await person.anotherTab();
  await other.enter(room);
  await sockets(1);
  return [person.tab, other];
}

/** Waits until each node has so many sockets: none before a test, so that those of this one can be counted. */
async function sockets(count: number): Promise<void> {
  for (const node of NODES) await expect.poll(() => socketsOf(node)).toBe(count);
}

/** The pages have left for the sign-in, and are to come back to the room. */
async function haveLeft(tabs: readonly Tab[], room: string): Promise<void> {
  const next = encodeURIComponent('/chat');
  const login = `/account/login?next=${next}&ended=1#room/${encodeURIComponent(room)}`;
  await Promise.all(tabs.map(({ page }) => expect(page).toHaveURL(login, { timeout: AT_ONCE })));
  for (const { page } of tabs) {
    await expect(page.getByRole('status')).toHaveText(/^You were signed out\./);
  }
}

async function hasNoSockets(nodes: readonly (typeof NODES)[number][]): Promise<void> {
  await Promise.all(
    nodes.map((node) => expect.poll(() => socketsOf(node), { timeout: AT_ONCE }).toBe(0)),
  );
}

/** The list of one's sessions but the one it is looked at in. */
function elsewhere(page: Page) {
  const sessions = page.getByRole('region', { name: 'Where you are signed in' });
  return sessions.getByRole('listitem').filter({ hasNotText: 'this session' });
}

test('a session signed out elsewhere loses its pages and its sockets at once, on both nodes', async ({
  guest,
  visitor,
}) => {
  const room = unique('ended');
  await sockets(0);
  const anna = await guest('anna', room, FIRST);
  const tabs = await onBothNodes(anna, room);
  const phone = await visitor('phone');
  await signIn(phone, anna);
  const { page } = phone.tab;
  await page.goto('/account');
  await sockets(1);
  const row = elsewhere(page);
  await expect(row).toHaveCount(1);

  await row.getByRole('button').click({ noWaitAfter: true });
  await Promise.all([haveLeft(tabs, room), hasNoSockets(NODES)]);
  await expect(elsewhere(page)).toHaveCount(0);

  await anna.fillOut();
  await expect(anna.tab.page.getByRole('heading', { level: 1, name: room })).toBeVisible();
  await anna.tab.say('here again');
});

test('signing out everywhere else leaves this session alone', async ({ guest, visitor }) => {
  const room = unique('others');
  await sockets(0);
  const anna = await guest('anna', room, FIRST);
  const here = await anna.anotherTab();
  const devices = [];
  for (const node of NODES) {
    const device = await visitor('device');
    await device.pin(node);
    await signIn(device, anna);
    await device.tab.enter(room);
    devices.push(device.tab);
  }
  await here.page.goto('/account');
  await expect(elsewhere(here.page)).toHaveCount(2);
  await here.page
    .getByRole('button', { name: 'Sign out everywhere else' })
    .click({ noWaitAfter: true });
  await Promise.all([haveLeft(devices, room), hasNoSockets([SECOND])]);
  await expect(elsewhere(here.page)).toHaveCount(0);
  await anna.tab.say('still here');
  expect(socketsOf(FIRST)).toBe(1);
});

test('signing out takes the other tabs along', async ({ guest }) => {
  const room = unique('tabs');
  await sockets(0);
  const anna = await guest('anna', room, FIRST);
  const tabs = await onBothNodes(anna, room);
  await tabs[0].message.fill('what nobody will read');
  const { page } = await anna.anotherTab();
  await page.goto('/account/logout');
  await page.getByRole('main').getByRole('button').click({ noWaitAfter: true });
  await Promise.all([haveLeft(tabs, room), hasNoSockets(NODES)]);
});

test('a new password keeps this browser where it is and sends the others away', async ({
  guest,
  visitor,
}) => {
  const room = unique('password');
  await sockets(0);
  const anna = await guest('anna', room, FIRST);
  const phone = await visitor('phone');
  await phone.pin(SECOND);
  await signIn(phone, anna);
  await phone.tab.enter(room);
  await anna.tab.message.fill('half of a sen');
  const { page } = await anna.anotherTab();
  await page.goto('/account');
  await page.getByLabel('Current password').fill(anna.password);
  await page.getByLabel('New password').fill(`${anna.password} and more`);
  await page.getByRole('button', { name: 'Change the password' }).click({ noWaitAfter: true });
  await Promise.all([haveLeft([phone.tab], room), hasNoSockets([SECOND])]);

  await expect(page.getByRole('status').or(page.getByRole('alert'))).toContainText(
    'Your password is set',
  );
  await expect(anna.tab.page.getByText('Connected', { exact: true })).toBeVisible();
  await expect(anna.tab.message).toHaveValue('half of a sen');
  await anna.tab.say('a whole sentence');
});

test('a new name is seen by everybody, on both nodes', async ({ guest }) => {
  const room = unique('name');
  const anna = await guest('anna', room, FIRST);
  const berta = await guest('berta', room, SECOND);
  const { page } = await anna.anotherTab();
  await page.goto('/account');
  const name = `Anna ${unique('B')}`;
  await page.getByLabel('Display name').fill(name);
  await page.getByRole('button', { name: 'Change the name' }).click();
  await expect(page.getByText(`From now on others see you as ${name}.`)).toBeVisible();

  for (const { tab } of [anna, berta]) await expect(tab.person(name)).toHaveCount(1);
  await expect(berta.tab.person(anna.name)).toHaveCount(0);
  await anna.tab.say('it is me');
  const heard = berta.tab.heard('it is me');
  await expect(heard).toContainText(name);
});
