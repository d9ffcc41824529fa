import { randomBytes } from 'node:crypto';

const PASSWORD = 'correct horse battery staple';

/** @typedef {{ name: string, cookie: string }} Account a name, and the cookie of its session */

/**
 * Registers somebody new through the form, as a browser does.
 * @param {import('./http.js').HttpClient} http
 * @param {URL} url
 * @returns {Promise<Account>}
 */
export async function register(http, url) {
  const page = new URL('/account/register', url);
  const name = `load-${randomBytes(8).toString('hex')}`;
  const form = await http.get(page);
  const token = /name="([^"]*csrf[^"]*)"[^>]*value="([^"]+)"/.exec(form.text);
  if (!token?.[1] || !token[2]) {
    throw new Error(`${page} answered ${form.status}, without a form: is this a PacktChat?`);
  }
  const fields = { [token[1]]: token[2], username: name, password: PASSWORD };
  const answer = await http.post(page, { cookie: cookies(form), fields });
  if (answer.status !== 303 || answer.headers.location !== '/chat') {
    const hint =
      answer.status === 429 ? ': let the gateways have PACKTCHAT__THROTTLE__REGISTRATIONS=0' : '';
    throw new Error(`${page} did not register ${name} but answered ${answer.status}${hint}`);
  }
  return { name, cookie: cookies(answer) };
}

/** What a browser would send back. @param {import('./http.js').Answer} answer */
function cookies({ headers }) {
  return (headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ');
}
