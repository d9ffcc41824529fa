import { type Browser, expect, test } from '@playwright/test';
import { Person, freshName } from './person.ts';
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

async function twoPeople(browser: Browser): Promise<[Person, Person]> {
  const room = freshName('room');
  const alice = await Person.register(browser, stack.url, 'alice', room, 'chat-realtime-1');
  const bob = await Person.register(browser, stack.url, 'bob', room, 'chat-realtime-2');
  await alice.sees(bob);
  await bob.sees(alice);
  return [alice, bob];
}

async function leave(...people: Person[]): Promise<void> {
  for (const person of people) {
    expect(person.troubles).toEqual([]);
    await person.context.close();
  }
}

test('two people on two nodes see each other arrive, and the same messages in the same order', async ({
  browser,
}) => {
  const [alice, bob] = await twoPeople(browser);
  expect(await alice.node()).toBe('chat-realtime-1');
  expect(await bob.node()).toBe('chat-realtime-2');

  for (let n = 1; n <= 10; n += 1) {
    await Promise.all([alice.say(`alice says ${n}`), bob.say(`bob says ${n}`)]);
  }
  for (const person of [alice, bob]) {
    await expect(person.page.locator('li[data-seq]')).toHaveCount(20);
  }
  const onAlices = await alice.messages();
  expect(await bob.messages()).toEqual(onAlices);
  const texts = onAlices.map((message) => message.replace(/^\d+: /, ''));
  expect(onAlices.map((message) => Number.parseInt(message, 10))).toEqual(
    Array.from({ length: 20 }, (_, n) => n + 1),
  );
  for (const name of ['alice', 'bob']) {
    const said = texts.filter((text) => text.startsWith(name));
    expect(said).toEqual(Array.from({ length: 10 }, (_, n) => `${name} says ${n + 1}`));
  }
  await leave(alice, bob);
});

test('one of two tabs closed, one stays in the list; the last one closed, one leaves it', async ({
  browser,
}) => {
  const [alice, bob] = await twoPeople(browser);
  const tab = await bob.secondTab();
  await tab.close();
  // What is said after the tab went shows that its going has had time to arrive.
  await bob.say('still here');
  await alice.reads('still here');
  await alice.sees(bob);
  await bob.page.close();
  await alice.doesNotSee(bob);
  await leave(alice, bob);
});

test('a node is killed: its user goes on at the other one, without a reload', async ({
  browser,
}) => {
  const [alice, bob] = await twoPeople(browser);
  await alice.say('before');
  await bob.reads('before');
  await alice.page.evaluate(() => Object.assign(globalThis, { notReloaded: true }));

  stack.signal('chat-realtime-1', 'SIGKILL');
  await bob.say('while it is dead');
  await alice.reads('while it is dead');
  await alice.say('after');
  await bob.reads('after');
  expect(await alice.page.evaluate(() => 'notReloaded' in globalThis)).toBe(true);
  expect(await alice.messages()).toEqual(await bob.messages());
  await alice.sees(bob);
  await bob.sees(alice);
  await leave(alice, bob);
});

for (const name of [
  'gateway-1',
  'auth-1',
  'chat-realtime-2',
  'log-worker-1',
  'cleanup-worker-1',
  'haproxy',
  'redis',
  'rabbitmq',
]) {
  test(`${name} is killed while two people chat: the chat goes on, and it comes back`, async ({
    browser,
  }) => {
    const [alice, bob] = await twoPeople(browser);
    await alice.say('before');
    await bob.reads('before');
    await stack.killAndWait(name);
    await alice.say('after');
    await bob.reads('after');
    await bob.say('and back');
    await alice.reads('and back');
    await leave(alice, bob);
  });
}
