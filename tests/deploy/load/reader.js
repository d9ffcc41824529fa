import { HttpClient } from './http.js';

/** @typedef {{ requests: number, failed: number, retried: number, times: number[], failures: string[] }} Reading */

/** Failures that are told in full. */
const MOST_TOLD = 10;

/** Reads pages and files at a steady pace, over new and over kept connections by turns. */
export class Reader {
  /** @type {Reading} */
  reading = { requests: 0, failed: 0, retried: 0, times: [], failures: [] };
  #clients;
  #url;
  #cookies;
  /** The script that the last page named, as a browser would fetch it. @type {URL | undefined} */
  #script;
  #next = 0;
  #underway = 0;

  /**
   * @param {URL} url
   * @param {string[]} cookies of people who are signed in
   * @param {{ insecure: boolean }} options
   */
  constructor(url, cookies, { insecure }) {
    this.#url = url;
    this.#cookies = cookies;
    this.#clients = [
      new HttpClient({ keepAlive: true, insecure }),
      new HttpClient({ keepAlive: false, insecure }),
    ];
  }

  get isIdle() {
    return this.#underway === 0;
  }

  /** Reads one thing more, in turn. */
  async read() {
    const turn = this.#next++;
    const cookie = this.#cookies[turn % this.#cookies.length];
    const page = (/** @type {string} */ path) => new URL(path, this.#url);
    const plans = [
      { url: page('/') },
      { url: this.#script ?? page('/') },
      { url: page('/account/login') },
      { url: page('/account'), cookie },
    ];
    const plan = plans[turn % plans.length] ?? { url: page('/') };
    const client = this.#clients[Math.floor(turn / plans.length) % this.#clients.length];
    const begun = Date.now();
    this.#underway += 1;
    this.reading.requests += 1;
    try {
      const answer = await client?.get(plan.url, plan);
      if (answer?.status !== 200) throw new Error(`answered ${answer?.status}`);
      if (answer.retried) this.reading.retried += 1;
      if (plan.url.pathname === '/') this.#script = scriptOf(answer.text, plan.url);
      this.reading.times.push(Date.now() - begun);
    } catch (error) {
      this.reading.failed += 1;
      if (this.reading.failures.length < MOST_TOLD) {
        const { message } = /** @type {Error} */ (error);
        const at = new Date().toISOString();
        this.reading.failures.push(`${at} GET ${plan.url}: ${message}`);
      }
    } finally {
      this.#underway -= 1;
    }
  }

  close() {
    for (const client of this.#clients) client.close();
  }
}

/**
 * @param {string} html
 * @param {URL} page
 */
function scriptOf(html, page) {
  const script = /<script[^>]*\ssrc="([^"]+)"/.exec(html);
  if (!script?.[1]) throw new Error('the page names no script');
  return new URL(script[1], page);
}
