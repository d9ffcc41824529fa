import { test as base } from '@playwright/test';
import type { BrowserContext, BrowserContextOptions } from '@playwright/test';
import { Person } from './person.ts';
import { readState } from './stack.ts';
import type { Node } from './stack.ts';

interface Fixtures {
  /** Whether requests may fail in this test, because it takes processes away. */
  outages: boolean;
  /** What browsers complain about: errors, broken security policies. The test fails when there is any. */
  complaints: string[];
  /** Opens a browser for somebody who is not signed in. */
  visitor: (name: string, options?: BrowserContextOptions) => Promise<Person>;
  /** Opens a browser for somebody, registers them, and takes them into the room over the node. */
  guest: (name: string, room: string, node?: Node) => Promise<Person>;
}

export const test = base.extend<Fixtures>({
  outages: [false, { option: true }],
  baseURL: async ({}, use) => {
    await use(readState().url);
  },
  complaints: async ({ outages }, use) => {
    const complaints: string[] = [];
    await use(complaints);
    const unexpected = complaints.filter((one) => !outages || !one.startsWith(NETWORK));
    base.expect(unexpected, 'what the browsers complain about').toEqual([]);
  },
  visitor: async ({ browser, baseURL, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (name, options = {}) => {
      const context = await browser.newContext({ ...options, ...(baseURL && { baseURL }) });
      contexts.push(context);
      await listen(context, complaints);
      return new Person(name, await context.newPage());
    });
    for (const context of contexts) await context.close();
  },
  guest: async ({ visitor }, use) => {
    await use(async (name, room, node) => {
      const person = await visitor(name);
      // Before the first socket, whose answer would name another node.
      if (node !== undefined) await person.pin(node);
      await person.register();
      await person.tab.enter(room);
      return person;
    });
  },
});

export { expect } from '@playwright/test';

/** How Chromium begins what it says about requests that fail. */
const NETWORK = 'network: ';

async function listen(context: BrowserContext, complaints: string[]): Promise<void> {
  context.on('weberror', (error) => complaints.push(`error: ${error.error().message}`));
  context.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const text = message.text();
    const { url } = message.location();
    const request = /^(Failed to load resource|WebSocket connection to)/.test(text);
    // A page that says 403 or 404 is one somebody asked for.
    if (request && url === message.page()?.url()) return;
    complaints.push(`${request ? NETWORK : ''}${text} (${url})`);
  });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (violation) => {
      console.error(`policy broken: ${violation.violatedDirective} ${violation.blockedURI}`);
    });
  });
}
