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
  const token = /name="([^"]*csrf[^"]*)"[^>]*value="([^"]+)"/.exec(await form.text());
  if (!token?.[1] || !token[2]) throw new Error('the form has no CSRF token');
  const answer = await fetch(page, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: cookies(form) },
    body: new URLSearchParams({ [token[1]]: token[2], username: name, password: PASSWORD }),
  });
  if (answer.status !== 303 || answer.headers.get('location') !== '/chat') {
    throw new Error(`${name} was not registered: ${answer.status} ${await answer.text()}`);
  }
  return { name, cookie: cookies(answer) };
}

/** What a browser would send back. @param {Response} response */
function cookies(response) {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
