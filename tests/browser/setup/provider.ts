import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { SignJWT, UnsecuredJWT, decodeJwt, exportJWK, generateKeyPair, importJWK } from 'jose';
import type { JWK, JWTPayload } from 'jose';
import { Provider } from 'oidc-provider';
import { issuerOf, portOf } from './provider-settings.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { readState } from './stack.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What is wrong with an ID token. */
export interface Forgery {
  /** Changes its claims. */
  readonly claims?: (claims: JWTPayload) => JWTPayload;
  /**
   * Signs with another key than the provider's, under the name of the provider's or under its own; with the secret that
   * PacktChat knows, too; or not at all.
   */
  readonly key?: 'pretended' | 'unknown' | 'shared' | 'none';
}

/** How long codes last, in seconds. */
const CODE_LIFETIME = 60;

/**
 * A certified OpenID provider on a port of its own. Whoever comes says who they are, and that is believed: the name is
 * their subject, their preferred username, and what their e-mail address begins with.
 */
export class OpenIdProvider {
  readonly settings: ProviderSettings;
  #server: Server | undefined;
  #provider: Provider | undefined;
  #forgery: Forgery | undefined;
  #codeLifetime = CODE_LIFETIME;
  #newestCode = '';
  /** Takes what browsers would be sent back to. */
  #keep: ((url: URL) => void) | undefined;
  /** What the token endpoint waits for. */
  #obstacle: () => Promise<void> = () => Promise.resolve();

  constructor(settings: ProviderSettings) {
    this.settings = settings;
  }

  /** Starts it with new keys. */
  async start(): Promise<void> {
    const server = createServer(await this.#renew());
    this.#server = server;
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(portOf(this.settings), '127.0.0.1', done);
    });
  }

  /** Breaks all connections off and takes no more. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  }

  /** From now on another key signs, and the old one is published no more. */
  async rotateKeys(): Promise<void> {
    const handler = await this.#renew();
    this.#server?.removeAllListeners('request').on('request', handler);
  }

  /** Runs `steps`, whose browser is not sent back; tells where it would have been sent. */
  async whileKeeping(steps: () => Promise<void>): Promise<URL> {
    const kept: URL[] = [];
    this.#keep = (url) => kept.push(url);
    await steps().finally(() => {
      this.#keep = undefined;
    });
    const [url] = kept;
    if (url === undefined) throw new Error('nobody was to be sent back');
    return url;
  }

  /** Runs `steps` while this is wrong with all ID tokens. */
  async whileForging(forgery: Forgery, steps: () => Promise<void>): Promise<void> {
    this.#forgery = forgery;
    await steps().finally(() => {
      this.#forgery = undefined;
    });
  }

  /** Runs `steps` while the token endpoint keeps everybody waiting. */
  async whileSlow(steps: () => Promise<void>): Promise<void> {
    let release: () => void = () => undefined;
    const released = new Promise<void>((done) => {
      release = done;
    });
    this.#obstacle = () => released;
    await steps().finally(() => {
      this.#obstacle = () => Promise.resolve();
      release();
    });
  }

  /** Runs `steps` while the token endpoint looks at codes when they have just expired. */
  async whileCodesExpire(steps: () => Promise<void>): Promise<void> {
    this.#codeLifetime = 1;
    this.#obstacle = async () => {
      const isGood = async () => {
        const code = await this.#provider?.AuthorizationCode.find(this.#newestCode);
        return code?.isExpired === false;
      };
      while (await isGood()) await pause(50);
    };
    await steps().finally(() => {
      this.#codeLifetime = CODE_LIFETIME;
      this.#obstacle = () => Promise.resolve();
    });
  }

  /** Makes new keys and what answers with them. */
  async #renew(): Promise<Handler> {
    const { algorithm } = this.settings;
    const key = await newKey(algorithm);
    const provider = new Provider(issuerOf(this.settings), {
      ...configuration(this.settings),
      jwks: { keys: [key] },
      ttl: {
        AuthorizationCode: () => this.#codeLifetime,
        AccessToken: 60,
        IdToken: 600,
        Grant: 3600,
        Interaction: 3600,
        Session: 3600,
      },
    });
    provider.on('authorization_code.saved', ({ jti }) => {
      this.#newestCode = jti;
    });
    provider.use(async (context, next) => {
      if (context.path !== '/token') {
        await next();
        const to = context.response.headers.location;
        const isBack = typeof to === 'string' && to.startsWith(`${readState().url}/`);
        if (this.#keep !== undefined && isBack) {
          this.#keep(new URL(to));
          context.remove('location');
          context.status = 200;
          context.type = 'html';
          context.body = page(this.settings.label, '<p>kept</p>');
        }
        return;
      }
      await this.#obstacle();
      await next();
      const body = context.body as { id_token?: string };
      if (body.id_token !== undefined && this.#forgery !== undefined) {
        body.id_token = await forged(body.id_token, this.#forgery, key, this.settings);
      }
    });
    this.#provider = provider;
    const handle = provider.callback();
    return (request, response) => {
      const isOurs = request.url?.startsWith(INTERACTION) === true;
      const answered = isOurs
        ? interact(provider, this.settings, request, response)
        : handle(request, response);
      answered.catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    };
  }
}

function configuration({ name, clientId, clientSecret, algorithm }: ProviderSettings) {
  return {
    clients: [
      {
        client_id: clientId,
        ...(clientSecret !== undefined && { client_secret: clientSecret }),
        token_endpoint_auth_method:
          clientSecret === undefined ? ('none' as const) : ('client_secret_basic' as const),
        id_token_signed_response_alg: algorithm,
        redirect_uris: [`${readState().url}/auth/${name}/callback`],
        grant_types: ['authorization_code'],
        response_types: ['code' as const],
      },
    ],
    scopes: ['openid', 'email', 'profile'],
    claims: { email: ['email'], profile: ['name', 'preferred_username'] },
    // Claims are in the ID token itself, where most providers have them.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    // Cookies know no ports: two providers on one machine need different names.
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: { session: `${name}_s`, interaction: `${name}_i`, resume: `${name}_r` },
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `${INTERACTION}${uid}` },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: id,
        preferred_username: id,
        email: `${id}@example.org`,
      }),
    }),
  };
}

const INTERACTION = '/interaction/';

/** Asks who it is. */
async function interact(
  provider: Provider,
  { label, clientId }: ProviderSettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'POST') {
    await provider.interactionDetails(request, response);
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    const form = `<form method="post">
      <label>Who are you? <input name="name" autocomplete="off"></label>
      <button>Sign in</button> <button name="cancel" value="yes">Cancel</button></form>`;
    response.end(page(label, form));
    return;
  }
  const form = new URLSearchParams(await text(request));
  if (form.has('cancel')) {
    const refusal = { error: 'access_denied', error_description: 'the person cancelled' };
    await provider.interactionFinished(request, response, refusal);
    return;
  }
  const accountId = form.get('name') ?? '';
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope('openid email profile');
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}

function page(title: string, content: string): string {
  return `<!doctype html><html lang="en"><title>${title}</title><link rel="icon" href="data:">
    <h1>${title}</h1>${content}</html>`;
}

async function newKey(algorithm: string): Promise<JWK & { kid: string }> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = randomBytes(6).toString('hex');
  return { ...(await exportJWK(privateKey)), kid, alg: algorithm, use: 'sig' };
}

/** The ID token as the forgery has it, signed with `key` unless that is what is forged. */
async function forged(
  idToken: string,
  { claims = (same) => same, key: how }: Forgery,
  key: JWK & { kid: string },
  { clientSecret = '' }: ProviderSettings,
): Promise<string> {
  const payload = claims(decodeJwt(idToken));
  if (how === 'none') return new UnsecuredJWT(payload).encode();
  if (how === 'shared') {
    const header = { alg: 'HS256', typ: 'JWT' };
    const secret = new TextEncoder().encode(clientSecret.padEnd(32, '\0'));
    return await new SignJWT(payload).setProtectedHeader(header).sign(secret);
  }
  const { alg = '' } = key;
  const other = await newKey(alg);
  const signing = how === undefined ? key : other;
  const { kid } = how === 'unknown' ? other : key;
  return await new SignJWT(payload)
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .sign(await importJWK(signing, alg));
}
