// Somebody with a browser.
import {
  type Browser,
  type BrowserContext,
  type Locator,
  type Page,
  expect,
} from '@playwright/test';

export const PASSWORD = 'correct horse battery staple';

let count = 0;

/** A name nobody else has. */
export function freshName(of: string): string {
  count += 1;
  return `${of}-${Date.now().toString(36)}${count}`;
}

export class Person {
  readonly troubles: string[] = [];

  private constructor(
    readonly name: string,
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** Registers through the form, on the way to a room, on a chosen node. */
  static async register(
    browser: Browser,
    url: string,
    of: string,
    room: string,
    node?: string,
  ): Promise<Person> {
    const context = await browser.newContext({ baseURL: url });
    if (node !== undefined) await context.addCookies([{ name: 'SERVERID', value: node, url }]);
    const page = await context.newPage();
    const person = new Person(freshName(of), context, page);
    person.watch(page);
    await page.goto(`/account/register?next=/chat#room/${encodeURIComponent(room)}`);
    await page.getByLabel('Username').fill(person.name);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password', { exact: true }).press('Enter');
    await expect(page.getByRole('heading', { name: room })).toBeVisible();
    return person;
  }

  /** A second tab in the same room. */
  async secondTab(): Promise<Page> {
    const page = await this.context.newPage();
    this.watch(page);
    await page.goto(this.page.url());
    await expect(page.getByLabel('Message', { exact: true })).toBeVisible();
    return page;
  }

  private watch(page: Page): void {
    page.on('pageerror', (error) => this.troubles.push(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) this.troubles.push(message.text());
    });
  }

  people(): Locator {
    return this.page.getByRole('list', { name: 'People in this room' });
  }

  async sees(other: Person): Promise<void> {
    await expect(this.people().getByText(other.name)).toBeVisible();
  }

  async doesNotSee(other: Person): Promise<void> {
    await expect(this.people().getByText(other.name)).toHaveCount(0);
  }

  async say(text: string): Promise<void> {
    const composer = this.page.getByLabel('Message', { exact: true });
    await composer.fill(text);
    await composer.press('Enter');
  }

  async reads(text: string): Promise<void> {
    await expect(this.page.locator('li[data-seq]').getByText(text, { exact: true })).toHaveCount(1);
  }

  /** What stands in the room, as `number: text`, in the order of the screen. */
  async messages(): Promise<string[]> {
    return this.page
      .locator('li[data-seq]')
      .evaluateAll((items) =>
        items.map(
          (item) =>
            `${item.getAttribute('data-seq')}: ${item.querySelector('.message-text')?.textContent}`,
        ),
      );
  }

  async node(): Promise<string | undefined> {
    const cookies = await this.context.cookies();
    return cookies.find((cookie) => cookie.name === 'SERVERID')?.value;
  }
}
