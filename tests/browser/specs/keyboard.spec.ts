import { tabTo } from '../setup/keyboard.ts';
import { expectToFit } from '../setup/layout.ts';
import { unique } from '../setup/person.ts';
import { expect, test } from '../setup/test.ts';

test('on a phone, with the keyboard alone', async ({ visitor }) => {
  const anna = await visitor('anna', {
    viewport: { width: 390, height: 780 },
    hasTouch: true,
    isMobile: true,
  });
  const { page, message } = anna.tab;
  const { keyboard } = page;
  await page.goto('/');
  await expectToFit(page);
  await tabTo(page.getByRole('main').getByRole('link', { name: 'Register' }));
  await keyboard.press('Enter');

  await tabTo(page.getByLabel('Username'));
  await expectToFit(page);
  await keyboard.type(anna.name);
  await keyboard.press('Tab');
  await keyboard.type(anna.password);
  await keyboard.press('Enter');

  const room = unique('pocket');
  await tabTo(page.getByRole('textbox', { name: 'Room name' }));
  await expectToFit(page);
  await keyboard.type(room);
  await keyboard.press('Enter');

  await expect(message).toBeFocused();
  await expectToFit(page);
  await keyboard.type('written without a mouse');
  await keyboard.press('Enter');
  await anna.tab.shows(['written without a mouse']);

  const people = page.getByRole('button', { name: 'people in this room' });
  await tabTo(people, 'Shift+Tab');
  await expect(anna.tab.person(anna.name)).toBeHidden();
  await keyboard.press('Enter');
  await expect(anna.tab.person(anna.name)).toBeVisible();
  await keyboard.press('Escape');
  await expect(anna.tab.person(anna.name)).toBeHidden();

  await tabTo(page.getByRole('link', { name: 'Leave room' }), 'Shift+Tab');
  await keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Rooms' })).toBeFocused();
  await expect(page.getByRole('list', { name: 'Rooms' }).getByText(room)).toBeVisible();
});
