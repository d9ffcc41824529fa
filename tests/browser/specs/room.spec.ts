import type { Tab } from '../setup/person.ts';
import { unique } from '../setup/person.ts';
import { expect, test } from '../setup/test.ts';

test('an empty message', async ({ guest }) => {
  const { tab } = await guest('anna', unique('room'));
  const wanted = tab.page.getByRole('alert').filter({ hasText: 'Please enter a message' });
  for (const nothing of ['', '  \n ']) {
    await tab.message.fill(nothing);
    await tab.page.getByRole('button', { name: 'Send' }).click();
    await expect(wanted).toBeVisible();
    await tab.message.fill('x');
    await expect(wanted).toBeHidden();
  }
  expect(await tab.messages()).toEqual([]);
});

test('a message that is too long by one character', async ({ guest }) => {
  const { tab } = await guest('anna', unique('room'));
  const longest = '🙂'.repeat(4_000);
  await tab.message.fill(`${longest}!`);
  await tab.message.press('Enter');
  await expect(
    tab.page.getByRole('alert').filter({ hasText: 'at most 4,000 characters, this one has 4,001' }),
  ).toBeVisible();
  await expect(tab.message).toHaveValue(`${longest}!`);
  await tab.message.press('Backspace');
  await tab.message.press('Enter');
  await tab.shows([longest]);
});

test('markup is text', async ({ guest }) => {
  const room = unique('<i>room</i>');
  const anna = await guest('anna', room);
  const berta = await guest('berta', room);
  const markup =
    '<img src=x onerror="document.title=1"><b>bold</b> &amp; <script>alert(1)</script>';
  await anna.tab.say(markup);
  for (const { tab } of [anna, berta]) {
    await tab.shows([markup]);
    await expect(tab.log.locator('img, b, script')).toHaveCount(0);
  }
});

test('the name of a room that cannot be', async ({ guest }) => {
  const { tab } = await guest('anna', unique('room'));
  const name = tab.page.getByRole('textbox', { name: 'Room name' });
  await name.fill('x'.repeat(65));
  await tab.page.getByRole('button', { name: 'Create room' }).click();
  await expect(tab.page.getByRole('alert').filter({ hasText: '64' })).toBeVisible();
  await tab.say('still here');
  await tab.shows(['still here']);
});

test('a malformed frame ends its own connection only', async ({ guest }) => {
  const { tab } = await guest('anna', unique('room'));
  const ended = await tab.page.evaluate(async () => {
    const socket = new WebSocket(`ws://${location.host}/socket.io/?EIO=4&transport=websocket`);
    socket.onmessage = () => {
      socket.send('\u0000 no packet begins like this');
    };
    return await new Promise((resolve) => {
      socket.onclose = () => {
        resolve('closed');
      };
    });
  });
  expect(ended).toBe('closed');
  await tab.say('still here');
  await tab.shows(['still here']);
});

test("one's own messages are to the right", async ({ guest }) => {
  const room = unique('room');
  const anna = await guest('anna', room);
  const berta = await guest('berta', room);
  await anna.tab.say('from Anna');
  await berta.tab.say('from Berta');
  for (const [{ tab }, own, other] of [
    [anna, 'from Anna', 'from Berta'],
    [berta, 'from Berta', 'from Anna'],
  ] as const) {
    await tab.shows([own, other]);
    const gaps = async (text: string) =>
      await tab.heard(text).evaluate((item) => {
        const list = item.parentElement?.getBoundingClientRect();
        const content = item.querySelector('.message-text')?.getBoundingClientRect();
        return {
          left: (content?.left ?? NaN) - (list?.left ?? NaN),
          right: (list?.right ?? NaN) - (content?.right ?? NaN),
        };
      });
    const [ownGaps, otherGaps] = [await gaps(own), await gaps(other)];
    expect(ownGaps.right).toBeLessThan(ownGaps.left);
    expect(otherGaps.left).toBeLessThan(otherGaps.right);
  }
});

test('the newest message is in view, unless one reads further up', async ({ guest }) => {
  const room = unique('long talk');
  const anna = await guest('anna', room);
  const berta = await guest('berta', room);
  const texts: string[] = [];
  const say = async () => {
    const text = [`message ${texts.length + 1}`, 'a', 'b', 'c', 'd', 'e', 'f'].join('\n');
    texts.push(text);
    await berta.tab.say(text);
    await anna.tab.shows(texts);
  };
  const scroll = async ({ log }: Tab) =>
    await log.evaluate((box) => ({
      top: box.scrollTop,
      below: Math.round(box.scrollHeight - box.scrollTop - box.clientHeight),
    }));
  for (let index = 0; index < 8; index++) {
    await say();
    await expect.poll(async () => (await scroll(anna.tab)).below).toBe(0);
  }
  await anna.tab.log.hover();
  await anna.tab.page.mouse.wheel(0, -10_000);
  const news = anna.tab.page.getByRole('button', { name: 'New messages' });
  await expect.poll(async () => (await scroll(anna.tab)).top).toBe(0);
  await say();
  await expect(news).toBeVisible();
  expect((await scroll(anna.tab)).top).toBe(0);
  await news.click();
  await expect.poll(async () => (await scroll(anna.tab)).below).toBe(0);
  await expect(news).toBeHidden();
});
