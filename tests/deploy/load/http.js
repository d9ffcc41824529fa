import * as http from 'node:http';
import * as https from 'node:https';

/** Milliseconds after which an answer comes too late. */
const PATIENCE_MS = 10_000;

/** @typedef {{ status: number, headers: http.IncomingHttpHeaders, text: string, retried: boolean }} Answer */

/** The HTTP side of a browser: it keeps connections, or makes one for every request. */
export class HttpClient {
  #agents;
  #insecure;

  /** @param {{ keepAlive: boolean, insecure: boolean }} options */
  constructor({ keepAlive, insecure }) {
    this.#insecure = insecure;
    this.#agents = {
      'http:': new http.Agent({ keepAlive }),
      'https:': new https.Agent({ keepAlive }),
    };
  }

  /**
   * @param {URL} url
   * @param {{ cookie?: string }} [options]
   */
  get(url, { cookie } = {}) {
    return this.#request('GET', url, cookie);
  }

  /**
   * Sends a form.
   * @param {URL} url
   * @param {{ cookie?: string, fields: Record<string, string> }} options
   */
  post(url, { cookie, fields }) {
    return this.#request('POST', url, cookie, new URLSearchParams(fields).toString());
  }

  close() {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  /**
   * @param {'GET' | 'POST'} method
   * @param {URL} url
   * @param {string | undefined} cookie
   * @param {string} [body]
   * @returns {Promise<Answer>}
   */
  async #request(method, url, cookie, body) {
    const first = await this.#attempt(method, url, cookie, body);
    if ('answer' in first) return { ...first.answer, retried: false };
    // A kept connection may be closed by the other side at any time. Every browser then asks again (RFC 9112, 9.3.1).
    if (method === 'GET' && first.staleConnection) {
      const second = await this.#attempt(method, url, cookie, body);
      if ('answer' in second) return { ...second.answer, retried: true };
      throw second.error;
    }
    throw first.error;
  }

  /**
   * @param {string} method
   * @param {URL} url
   * @param {string | undefined} cookie
   * @param {string | undefined} body
   * @returns {Promise<{ answer: Omit<Answer, 'retried'> } | { error: Error, staleConnection: boolean }>}
   */
  #attempt(method, url, cookie, body) {
    return new Promise((resolve) => {
      const secure = url.protocol === 'https:';
      const request = (secure ? https : http).request(url, {
        method,
        agent: this.#agents[secure ? 'https:' : 'http:'],
        rejectUnauthorized: !this.#insecure,
        signal: AbortSignal.timeout(PATIENCE_MS),
        headers: {
          ...(cookie === undefined ? {} : { cookie }),
          ...(body === undefined
            ? {}
            : {
                'content-type': 'application/x-www-form-urlencoded',
                'content-length': Buffer.byteLength(body),
              }),
        },
      });
      let answered = false;
      const fail = (/** @type {NodeJS.ErrnoException} */ cause) => {
        const { code } = cause;
        // The message of a refused connection is empty where a name has several addresses.
        const error = new Error(`${url.origin}: ${cause.message || code}`, { cause });
        const reset = code === 'ECONNRESET' || code === 'EPIPE';
        resolve({ error, staleConnection: request.reusedSocket && reset && !answered });
      };
      request.on('error', fail);
      request.on('response', (response) => {
        answered = true;
        /** @type {Buffer[]} */
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response;
          resolve({ answer: { status, headers, text: Buffer.concat(chunks).toString() } });
        });
      });
      request.end(body);
    });
  }
}
