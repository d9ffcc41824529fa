// A certified OpenID provider on http://oidc.localhost:8090 to try PacktChat's sign-in with. Whoever comes says who they
// are, and that is believed; keys and grants last as long as the process. Nothing for a real site.

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Provider } from 'oidc-provider';

const ISSUER = 'http://oidc.localhost:8090';
const CLIENT_ID = 'packtchat';
const INTERACTION = '/interaction/';
const { PACKTCHAT_URL, CLIENT_SECRET_FILE } = process.env;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = privateKey.export({ format: 'jwk' });
const kid = createHash('sha256').update(jwk.x).digest('base64url');

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: readFileSync(CLIENT_SECRET_FILE, 'utf8').trim(),
      id_token_signed_response_alg: 'ES256',
      redirect_uris: [`${PACKTCHAT_URL}/auth/demo/callback`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  jwks: { keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] },
  scopes: ['openid', 'email', 'profile'],
  claims: { email: ['email'], profile: ['name', 'preferred_username'] },
  // Claims are in the ID token itself, where most providers have them.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  ttl: { AuthorizationCode: 60, AccessToken: 60, IdToken: 600, Grant: 3600, Interaction: 3600, Session: 3600 },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, { uid }) => `${INTERACTION}${uid}` },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, preferred_username: id, email: `${id}@example.org` }),
  }),
});

/** Asks who it is. */
async function interact(request, response) {
  if (request.method !== 'POST') {
    await provider.interactionDetails(request, response);
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
      <title>Demo provider</title><link rel="icon" href="data:"><h1>Demo provider</h1>
      <p>Whatever name you choose, you are believed.</p>
      <form method="post"><label>Who are you? <input name="name" required autofocus autocomplete="off"
      pattern="[a-z0-9_.\\-]{3,32}" title="3 to 32 of a-z 0-9 _ . -"></label>
      <button>Sign in</button> <button name="cancel" value="yes" formnovalidate>Cancel</button></form></html>`);
    return;
  }
  const form = new URLSearchParams(await text(request));
  const accountId = form.get('name') ?? '';
  if (form.has('cancel') || accountId === '') {
    const refusal = { error: 'access_denied', error_description: 'the person cancelled' };
    await provider.interactionFinished(request, response, refusal);
    return;
  }
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
  grant.addOIDCScope('openid email profile');
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}

const handle = provider.callback();
const server = createServer((request, response) => {
  const answered = request.url.startsWith(INTERACTION)
    ? interact(request, response)
    : Promise.resolve(handle(request, response));
  answered.catch((error) => response.writeHead(500).end(String(error)));
});
server.listen(8090, () => console.log(`The demo provider answers at ${ISSUER}`));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
