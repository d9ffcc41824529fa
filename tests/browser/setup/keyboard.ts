import type { Locator } from '@playwright/test';
import { expect } from './test.ts';

const MOST_TABS = 60;

/** Goes there as somebody without a mouse does. */
export async function tabTo(target: Locator, key = 'Tab'): Promise<void> {
  await expect(target).toBeVisible();
  for (let count = 0; count < MOST_TABS; count++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await target.page().keyboard.press(key);
  }
  throw new Error(`${key} does not lead to ${String(target)}`);
}
