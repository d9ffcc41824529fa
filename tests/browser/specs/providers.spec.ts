import type { Page } from '@playwright/test';
import { Logs } from '../setup/logs.ts';
import { accounts } from '../setup/operator.ts';
import { unique } from '../setup/person.ts';
import type { Person } from '../setup/person.ts';
import { NOWHERE, ROSE_GARDEN, TULIP, areConfigured } from '../setup/provider-settings.ts';
import type { ProviderSettings } from '../setup/provider-settings.ts';
import { OpenIdProvider } from '../setup/provider.ts';
import type { Forgery } from '../setup/provider.ts';
import { test as base, expect } from '../setup/test.ts';

const LOGIN = '/account/login';
const ACCOUNT = '/account';
const USERNAME = '/account/username';
/** Milliseconds a page may take to say that a provider does not answer: `auth` waits 4,000 for it. */
const DEADLINE = 8_000;

const REFUSED = 'We were not told for certain who you are.';
const UNAVAILABLE = 'This way to sign in does not answer just now.';
const STALE = 'This sign-in was begun in another browser, was finished before';
const CANCELLED = 'You cancelled it.';

interface Providers {
  tulip: OpenIdProvider;
  roseGarden: OpenIdProvider;
}

const running =
  (settings: ProviderSettings) =>
  async ({}: object, use: (provider: OpenIdProvider) => Promise<void>) => {
    const provider = new OpenIdProvider(settings);
    await provider.start();
    await use(provider);
    await provider.stop();
  };

const test = base.extend<object, Providers>({
  tulip: [running(TULIP), { scope: 'worker' }],
  roseGarden: [running(ROSE_GARDEN), { scope: 'worker' }],
});

test.skip(() => !areConfigured(), 'the stack was started without the providers of the tests');

/** Goes from the form to sign in to the provider's page. */
async function begin(page: Page, { label }: ProviderSettings): Promise<void> {
  await page.goto(LOGIN);
  await page.getByRole('link', { name: `Continue with ${label}` }).click();
}

/** Tells the provider who it is. */
async function tell(page: Page, { label }: ProviderSettings, name: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(label);
  await page.getByLabel('Who are you?').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function signIn(page: Page, settings: ProviderSettings, name: string): Promise<void> {
  await begin(page, settings);
  await tell(page, settings, name);
}

/** Makes the account of somebody who comes for the first time. */
async function choose(page: Page, username?: string): Promise<void> {
  await expect(page).toHaveURL(USERNAME);
  if (username !== undefined) await page.getByLabel('Username').fill(username);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await expect(page).toHaveURL('/chat');
}

/** Is on this page, which says this. */
async function isTold(page: Page, where: string | RegExp, what: string): Promise<void> {
  await expect(page.locator('.flash')).toContainText(what, { timeout: DEADLINE });
  await expect(page).toHaveURL(where);
}

/** Signs in at the provider without coming back; tells what the browser would have come back with. */
async function almost(page: Page, provider: OpenIdProvider, name: string): Promise<URL> {
  return await provider.whileKeeping(async () => {
    await signIn(page, provider.settings, name);
    await expect(page.getByText('kept')).toBeVisible();
  });
}

async function isSignedOut(page: Page): Promise<void> {
  await page.goto('/chat');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Sign in');
}

async function isSignedInAs(page: Page, username: string): Promise<void> {
  await page.goto(ACCOUNT);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your account');
  await expect(page.getByRole('main')).toContainText(username);
}

const code = (callback: URL): string => callback.searchParams.get('code') ?? '';

test('the form to sign in has a button for each configured provider', async ({ visitor }) => {
  const { page } = (await visitor('reader')).tab;
  await page.goto(LOGIN);
  const ways = page.getByRole('list', { name: 'Other ways to sign in' }).getByRole('link');
  const labels = [NOWHERE, ROSE_GARDEN, TULIP].map(({ label }) => `Continue with ${label}`);
  await expect(ways).toHaveText(labels);
  await page.goto('/auth/unheard-of');
  await isTold(page, LOGIN, 'There is no such way to sign in here.');
});

test('the same e-mail address at two providers is two accounts', async ({
  visitor,
  tulip,
  roseGarden,
}) => {
  const name = unique('anna');
  const first = await visitor('first');
  await signIn(first.tab.page, tulip.settings, name);
  await expect(first.tab.page.getByText(`${name}@example.org`)).toBeVisible();
  await expect(first.tab.page.getByLabel('Username')).toHaveValue(name);
  await choose(first.tab.page);

  const second = await visitor('second');
  await signIn(second.tab.page, roseGarden.settings, name);
  await expect(second.tab.page.getByText(`${name}@example.org`)).toBeVisible();
  await expect(second.tab.page.getByLabel('Username')).toHaveValue(`${name}2`);
  await choose(second.tab.page);
  await isSignedInAs(first.tab.page, name);
  await isSignedInAs(second.tab.page, `${name}2`);
});

test('a provider that is not there', async ({ visitor }) => {
  const logs = new Logs();
  const { page } = (await visitor('lost')).tab;
  await begin(page, NOWHERE);
  await isTold(page, LOGIN, UNAVAILABLE);
  await logs.tell('auth', /identity provider unavailable.*nowhere.*Connection refused/);
});

test('an account that an operator disabled', async ({ visitor, tulip }) => {
  const { page } = (await visitor('former')).tab;
  const name = unique('former');
  await signIn(page, tulip.settings, name);
  await choose(page);
  await accounts('disable', name);
  await expect(page).toHaveURL(/\/account\/login\?next=/);
  await page.getByRole('link', { name: 'Continue with Tulip' }).click();
  await isTold(page, /\/account\/login\?next=/, 'This account is disabled.');
  await accounts('enable', name);
  await page.getByRole('link', { name: 'Continue with Tulip' }).click();
  await expect(page).toHaveURL('/chat');
});

test('an account with a password, a linked provider, and neither the other', async ({
  visitor,
  tulip,
  roseGarden,
}) => {
  const member = await visitor('member');
  const { page } = member.tab;
  await member.register();
  const name = unique('elsewhere');
  await page.goto(ACCOUNT);
  await page.getByRole('button', { name: 'Link Tulip' }).click();
  await tell(page, tulip.settings, name);
  await isTold(page, ACCOUNT, 'From now on you can sign in with Tulip.');

  const elsewhere = await visitor('elsewhere');
  await signIn(elsewhere.tab.page, tulip.settings, name);
  await expect(elsewhere.tab.page).toHaveURL('/chat');
  await isSignedInAs(elsewhere.tab.page, member.name);

  // Somebody else's cannot be linked.
  const other = await visitor('other');
  const others = unique('other');
  await signIn(other.tab.page, roseGarden.settings, others);
  await choose(other.tab.page);
  await page.getByRole('button', { name: 'Link Rose Garden' }).click();
  await tell(page, roseGarden.settings, others);
  await isTold(page, ACCOUNT, 'It belongs to another account already.');

  // Nobody may lock themselves out.
  await other.tab.page.goto(ACCOUNT);
  await expect(other.tab.page.getByText('The only way to sign in to your account')).toBeVisible();
  await expect(other.tab.page.getByRole('button', { name: 'Unlink' })).toHaveCount(0);

  await page.getByRole('button', { name: 'Unlink Tulip' }).click();
  await isTold(page, ACCOUNT, 'From now on you cannot sign in with Tulip.');
  const stranger = await visitor('stranger');
  await signIn(stranger.tab.page, tulip.settings, name);
  await expect(stranger.tab.page).toHaveURL(USERNAME);
});

for (const which of ['tulip', 'roseGarden'] as const) {
  test.describe(which === 'tulip' ? TULIP.label : ROSE_GARDEN.label, () => {
    let provider: OpenIdProvider;
    let settings: ProviderSettings;

    test.beforeEach(({ tulip, roseGarden }) => {
      provider = { tulip, roseGarden }[which];
      settings = provider.settings;
    });

    /** Somebody whom the provider knows by now, so that a link is all it takes. */
    async function known(person: Person): Promise<Page> {
      const { page } = person.tab;
      await almost(page, provider, unique('known'));
      return page;
    }

    /** Though perhaps not at once: a provider is asked for its keys again once in five seconds. */
    async function isLetIn(page: Page): Promise<void> {
      await expect(async () => {
        await page.goto(`/auth/${settings.name}`);
        await expect(page).toHaveURL(USERNAME, { timeout: 2_000 });
      }).toPass();
    }

    test('the first time one chooses a name, the second time one is in', async ({ visitor }) => {
      const { page } = (await visitor('bob')).tab;
      const name = unique('bob');
      await signIn(page, settings, name);
      await expect(page.getByLabel('Username')).toHaveValue(name);
      const chosen = unique('robert');
      await choose(page, chosen);
      await isSignedInAs(page, chosen);

      const again = (await visitor('bob')).tab.page;
      await again.goto('/chat#room/lobby');
      await again.getByRole('link', { name: `Continue with ${settings.label}` }).click();
      await tell(again, settings, name);
      await expect(again).toHaveURL('/chat#room/lobby');
      await isSignedInAs(again, chosen);
    });

    test('cancelled at the provider', async ({ visitor }) => {
      const logs = new Logs();
      const { page } = (await visitor('hesitant')).tab;
      await begin(page, settings);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await isTold(page, LOGIN, CANCELLED);
      await logs.tell('gateway', /a provider refused a sign-in.*access_denied/);
    });

    test('what came back once does not count again', async ({ visitor }) => {
      const logs = new Logs();
      const { page } = (await visitor('carol')).tab;
      const callback = await almost(page, provider, unique('carol'));
      await page.goto(callback.href);
      await choose(page);
      await page.goto(callback.href);
      await isTold(page, ACCOUNT, STALE);
      await page.goto('/account/logout');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.goto(callback.href);
      await isTold(page, LOGIN, STALE);
      await isSignedOut(page);
      logs.doNotTell(code(callback));
    });

    test('what came back to one browser does not count in another', async ({ visitor }) => {
      const mallory = (await visitor('mallory')).tab.page;
      const callback = await almost(mallory, provider, unique('mallory'));
      const victim = (await visitor('victim')).tab.page;
      await victim.goto(callback.href);
      await isTold(victim, LOGIN, STALE);
      // Nor with a sign-in of the other browser's own on its way.
      await almost(victim, provider, unique('victim'));
      await victim.goto(callback.href);
      await isTold(victim, LOGIN, STALE);
      await isSignedOut(victim);
    });

    test('a code put into the sign-in of another browser', async ({ visitor }) => {
      const logs = new Logs();
      const carol = (await visitor('carol')).tab.page;
      const stolen = await almost(carol, provider, unique('carol'));
      const eve = (await visitor('eve')).tab.page;
      const own = await almost(eve, provider, unique('eve'));
      own.searchParams.set('code', code(stolen));
      await eve.goto(own.href);
      await isTold(eve, LOGIN, REFUSED);
      await logs.tell('auth', /sign-in refused.*does not exchange the code: invalid_grant/);
      await isSignedOut(eve);
    });

    const seconds = () => Math.floor(Date.now() / 1000);
    const forgeries: readonly [string, Forgery, RegExp][] = [
      ['nonce', { claims: (all) => ({ ...all, nonce: 'x' }) }, /nonce mismatch/],
      ['no nonce', { claims: (all) => ({ ...all, nonce: undefined }) }, /missing nonce/],
      ['issuer', { claims: (all) => ({ ...all, iss: 'http://127.0.0.1:1' }) }, /Invalid issuer/],
      ['audience', { claims: (all) => ({ ...all, aud: 'another' }) }, /Invalid audiences/],
      ['authorized party', { claims: (all) => ({ ...all, azp: 'another' }) }, /\(azp\)/],
      ['expiry', { claims: (all) => ({ ...all, exp: seconds() - 61 }) }, /Expired/],
      ['time', { claims: (all) => ({ ...all, iat: seconds() + 90 }) }, /issued in the future/],
      ['subject', { claims: (all) => ({ ...all, sub: 'x'.repeat(256) }) }, /Invalid subject/],
      ['signature', { key: 'pretended' }, /Signature verification failed: /],
      ['algorithm', { key: 'shared' }, /Disallowed signature algorithm/],
      ['no signature', { key: 'none' }, /No signature found/],
      ['key', { key: 'unknown' }, /a key that is not among the provider's/],
    ];

    test('ID tokens that prove nothing', async ({ visitor }) => {
      const page = await known(await visitor('forger'));
      for (const [wrong, forgery, reason] of forgeries) {
        await test.step(`wrong: ${wrong}`, async () => {
          const logs = new Logs();
          await provider.whileForging(forgery, async () => {
            await page.goto(`/auth/${settings.name}`);
            await isTold(page, LOGIN, REFUSED);
          });
          await logs.tell('auth', new RegExp(`sign-in refused.*${reason.source}`));
        });
      }
      await isSignedOut(page);
    });

    test("a provider's clock may be a minute off", async ({ visitor }) => {
      const page = await known(await visitor('punctual'));
      for (const off of [-45, 45]) {
        const claims: Forgery['claims'] = (all) => ({ ...all, exp: seconds() + 600 });
        const times = { iat: seconds() + off, ...(off < 0 && { exp: seconds() + off }) };
        const forgery = {
          claims: (all: Parameters<typeof claims>[0]) => ({ ...claims(all), ...times }),
        };
        await provider.whileForging(forgery, async () => {
          await page.goto(`/auth/${settings.name}`);
          await expect(page).toHaveURL(USERNAME);
        });
      }
    });

    test('an expired code', async ({ visitor }) => {
      const logs = new Logs();
      const page = await known(await visitor('late'));
      await provider.whileCodesExpire(async () => {
        await page.goto(`/auth/${settings.name}`);
        await isTold(page, LOGIN, REFUSED);
      });
      await logs.tell('auth', /sign-in refused.*does not exchange the code: invalid_grant/);
    });

    test('the provider signs with new keys', async ({ visitor }) => {
      const patient = await visitor('patient');
      for (let round = 0; round < 2; round += 1) {
        await provider.rotateKeys();
        await isLetIn(await known(patient));
      }
    });

    test('the provider is stopped on the way back', async ({ visitor }) => {
      const logs = new Logs();
      const unlucky = await visitor('unlucky');
      const { page } = unlucky.tab;
      const callback = await almost(page, provider, unique('unlucky'));
      await provider.stop();
      await page.goto(callback.href);
      await isTold(page, LOGIN, UNAVAILABLE);
      await logs.tell('auth', /identity provider unavailable.*Connection refused/);
      logs.doNotTell(code(callback));
      await provider.start();
      await isLetIn(await known(unlucky));
    });

    test('the provider is slow, and nobody else is', async ({ visitor }) => {
      const logs = new Logs();
      const page = await known(await visitor('waiting'));
      await provider.whileSlow(async () => {
        const told = page
          .goto(`/auth/${settings.name}`)
          .then(() => isTold(page, LOGIN, UNAVAILABLE));
        await (await visitor('swift')).register();
        await told;
      });
      await logs.tell('auth', /identity provider unavailable.*timed out/);
    });
  });
}
