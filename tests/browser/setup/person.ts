import { randomBytes } from 'node:crypto';
import { expect } from '@playwright/test';
import type { BrowserContext, Locator, Page } from '@playwright/test';
import { readState } from './stack.ts';
import type { Node } from './stack.ts';

export interface Said {
  readonly seq: number;
  readonly text: string;
}

/** A name nobody else has. */
export function unique(name: string): string {
  return `${name}-${randomBytes(5).toString('hex')}`;
}

/** Somebody with a browser of their own. */
export class Person {
  readonly name: string;
  readonly password = randomBytes(12).toString('base64url');
  readonly context: BrowserContext;
  readonly tab: Tab;

  constructor(name: string, page: Page) {
    this.name = unique(name);
    this.context = page.context();
    this.tab = new Tab(page);
  }

  /** Fills out the form to register or to sign in that is shown. */
  async fillOut({ name = this.name, password = this.password } = {}): Promise<void> {
    const { page } = this.tab;
    await page.getByLabel('Username').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('main').getByRole('button').click();
  }

  async register(): Promise<void> {
    await this.tab.page.goto('/account/register');
    await this.fillOut();
    await expect(this.tab.page).toHaveURL('/chat');
  }

  /** Lets HAProxy send the next sockets to this node. */
  async pin(node: Node): Promise<void> {
    await this.context.addCookies([{ name: 'SERVERID', value: node, url: readState().url }]);
  }

  /** The node HAProxy sent the newest socket to. */
  async node(): Promise<string | undefined> {
    const cookies = await this.context.cookies();
    return cookies.find(({ name }) => name === 'SERVERID')?.value;
  }

  async anotherTab(): Promise<Tab> {
    return new Tab(await this.context.newPage());
  }
}

/** A page with the chat. */
export class Tab {
  readonly page: Page;
  readonly message: Locator;
  readonly log: Locator;
  readonly #people: Locator;

  constructor(page: Page) {
    this.page = page;
    this.message = page.getByRole('textbox', { name: 'Message' });
    this.log = page.getByRole('log');
    this.#people = page.getByRole('list', { name: 'People in this room' });
  }

  /** Opens the link to a room. */
  async enter(room: string): Promise<void> {
    await this.page.goto('/chat');
    await expect(this.page.getByText('Connected', { exact: true })).toBeVisible();
    await this.page.goto(`/chat#room/${encodeURIComponent(room)}`);
    await expect(this.page.getByRole('heading', { level: 1, name: room })).toBeVisible();
    await expect(this.message).toBeFocused();
  }

  async say(text: string): Promise<void> {
    await this.message.fill(text);
    await this.message.press('Enter');
    await expect(this.message).toHaveValue('');
  }

  /** Somebody in the list of people. */
  person(name: string): Locator {
    return this.#people.getByRole('listitem').filter({ hasText: name });
  }

  /** The stored messages with this in their text. */
  heard(text: string): Locator {
    return this.log.locator('li[data-seq]').filter({ hasText: text });
  }

  /** All stored messages on the screen, from top to bottom. */
  async messages(): Promise<Said[]> {
    return await this.log.locator('li[data-seq]').evaluateAll((items) =>
      (items as HTMLElement[]).map((item) => ({
        seq: Number(item.dataset['seq']),
        text: item.querySelector('.message-text')?.textContent ?? '',
      })),
    );
  }

  /** Waits until exactly these texts are on the screen, in whatever order. */
  async shows(texts: readonly string[]): Promise<void> {
    const sorted = [...texts].sort();
    await expect
      .poll(async () => (await this.messages()).map(({ text }) => text).sort())
      .toEqual(sorted);
  }
}
