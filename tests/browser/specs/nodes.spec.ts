import type { Person } from '../setup/person.ts';
import { unique } from '../setup/person.ts';
import { NODES, isServing, keepDown, recovered, socketsOf } from '../setup/stack.ts';
import { expect, test } from '../setup/test.ts';

const [FIRST, SECOND] = NODES;

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} says ${index + 1} of ${count}`);
}

async function sayAll(person: Person, texts: readonly string[]): Promise<void> {
  for (const text of texts) await person.tab.say(text);
}

/** Waits for the sockets of earlier tests to close, so that those of this one can be counted. */
async function everybodyLeft(): Promise<void> {
  for (const node of NODES) await expect.poll(() => socketsOf(node)).toBe(0);
}

/** Both screens show the same, once, without a gap; each one's words are in the order they were said. */
async function expectSameTalk(
  [anna, annaSaid]: [Person, readonly string[]],
  [berta, bertaSaid]: [Person, readonly string[]],
): Promise<void> {
  const said = [...annaSaid, ...bertaSaid];
  await anna.tab.shows(said);
  await berta.tab.shows(said);
  const messages = await anna.tab.messages();
  expect(await berta.tab.messages()).toEqual(messages);
  expect(messages.map(({ seq }) => seq)).toEqual(said.map((_, index) => index + 1));
  for (const own of [annaSaid, bertaSaid]) {
    expect(messages.map(({ text }) => text).filter((text) => own.includes(text))).toEqual(own);
  }
}

test('two people on two nodes see each other arrive and talk', async ({ guest }) => {
  const room = unique('talk');
  await everybodyLeft();
  const anna = await guest('anna', room, FIRST);
  await expect(anna.tab.person(anna.name)).toHaveText(/you$/);
  const berta = await guest('berta', room, SECOND);
  await expect(anna.tab.person(berta.name)).toBeVisible();
  await expect(berta.tab.person(anna.name)).toBeVisible();
  await expect(anna.tab.page.getByText(`${berta.name} joined`)).toBeVisible();

  expect(await anna.node()).toBe(FIRST);
  expect(await berta.node()).toBe(SECOND);
  await expect.poll(() => socketsOf(FIRST)).toBe(1);
  await expect.poll(() => socketsOf(SECOND)).toBe(1);

  const [annas, bertas] = [numbered('Anna', 10), numbered('Berta', 10)];
  await Promise.all([sayAll(anna, annas), sayAll(berta, bertas)]);
  await expectSameTalk([anna, annas], [berta, bertas]);

  // And again on a page that has to fetch it all.
  await berta.tab.page.reload();
  await expectSameTalk([anna, annas], [berta, bertas]);
});

test('the list of rooms is live on both nodes', async ({ guest }) => {
  const anna = await guest('anna', unique('here'), FIRST);
  const room = unique('elsewhere');
  const shown = anna.tab.page.getByRole('list', { name: 'Rooms', exact: true }).getByText(room);
  await expect(shown).toBeHidden();
  const berta = await guest('berta', room, SECOND);
  await shown.click();
  await expect(berta.tab.person(anna.name)).toBeVisible();
});

test('whoever has one tab left is still there', async ({ guest }) => {
  const room = unique('tabs');
  await everybodyLeft();
  const berta = await guest('berta', room, SECOND);
  const anna = await guest('anna', room, FIRST);
  await anna.pin(SECOND);
  const other = await anna.anotherTab();
  await other.enter(room);
  await expect(other.person(berta.name)).toBeVisible();
  await expect(berta.tab.person(anna.name)).toHaveCount(1);

  await expect.poll(() => socketsOf(FIRST)).toBe(1);
  await anna.tab.page.close();
  await expect.poll(() => socketsOf(FIRST)).toBe(0);
  await other.say('I have another one');
  await expect(berta.tab.heard('I have another one')).toHaveCount(1);
  await berta.tab.say('I see you');
  await expect(other.heard('I see you')).toHaveCount(1);
  await expect(berta.tab.person(anna.name)).toBeVisible();

  await other.page.close();
  await expect(berta.tab.person(anna.name)).toBeHidden();
  await expect(berta.tab.person(berta.name)).toBeVisible();
});

test.describe('a node dies', () => {
  test.use({ outages: true });

  test('its people go on over the other one', async ({ guest }) => {
    const room = unique('survivors');
    const anna = await guest('anna', room, FIRST);
    const berta = await guest('berta', room, SECOND);
    const navigations: string[] = [];
    for (const { tab } of [anna, berta]) {
      tab.page.on('framenavigated', (frame) => navigations.push(frame.url()));
    }
    const [annas, bertas] = [numbered('Anna', 12), numbered('Berta', 12)];
    await sayAll(anna, annas.slice(0, 4));
    await sayAll(berta, bertas.slice(0, 4));
    await expect(anna.tab.heard(bertas[3] ?? '')).toHaveCount(1);

    // Both go on talking while the node is away.
    const [killed] = await Promise.all([
      keepDown(FIRST, async () => (await anna.node()) === SECOND),
      sayAll(anna, annas.slice(4, 8)),
      sayAll(berta, bertas.slice(4, 8)),
    ]);
    await expect(anna.tab.page.getByText('Connected', { exact: true })).toBeVisible();
    await sayAll(anna, annas.slice(8));
    await sayAll(berta, bertas.slice(8));
    await expectSameTalk([anna, annas], [berta, bertas]);
    await expect(berta.tab.person(anna.name)).toBeVisible();
    await expect(anna.tab.person(berta.name)).toBeVisible();
    expect(navigations, 'the pages were not loaded again').toEqual([]);

    await recovered(FIRST, killed);
    await expect.poll(() => isServing(FIRST)).toBe(true);
    const clara = await guest('clara', room, FIRST);
    expect(await clara.node()).toBe(FIRST);
    await expectSameTalk([clara, annas], [anna, bertas]);
  });
});
