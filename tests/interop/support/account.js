import { randomBytes } from 'node:crypto';

const PASSWORD = 'correct horse battery staple';

/** A name nobody else has. @param {string} of */
export function freshName(of) {
  return `${of}-${randomBytes(5).toString('hex')}`;
}

/**
 * Registers somebody through the gateway's form, as a browser does.
 * @param {string} url
 * @param {string} of
 * @returns {Promise<{ name: string, cookie: string }>} the name, and the cookie of the session
 */
export async function register(url, of) {
  const page = new URL('/account/register', url);
  const name = freshName(of);
  const form = await fetch(page);
  const answer = await submit(page, form, cookies(form), { username: name, password: PASSWORD });
  if (answer.status !== 303 || answer.headers.get('location') !== '/chat') {
    throw new Error(`${name} was not registered: ${answer.status} ${await answer.text()}`);
  }
  return { name, cookie: cookies(answer) };
}

/**
 * Ends the session of this cookie, as a browser does.
 * @param {string} url
 * @param {string} cookie
 */
export async function signOut(url, cookie) {
  const page = new URL('/account/logout', url);
  const form = await fetch(page, { headers: { cookie } });
  const answer = await submit(page, form, cookie, {});
  if (answer.status !== 303) throw new Error(`not signed out: ${answer.status}`);
}

/**
 * @param {URL} page
 * @param {Response} form
 * @param {string} cookie
 * @param {Record<string, string>} fields
 */
async function submit(page, form, cookie, fields) {
  const token = /name="([^"]*csrf[^"]*)"[^>]*value="([^"]+)"/.exec(await form.text());
  if (!token?.[1] || !token[2]) throw new Error('the form has no CSRF token');
  return fetch(page, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie },
    body: new URLSearchParams({ [token[1]]: token[2], ...fields }),
  });
}

/** What a browser would send back. @param {Response} response */
function cookies(response) {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
