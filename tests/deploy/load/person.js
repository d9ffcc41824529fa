import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import { Member } from './member.js';

/** Milliseconds to wait for an acknowledgement: that of the browser client, as are the times below. */
const PATIENCE_MS = 10_000;
/** Milliseconds in which a hole may close by itself, when pushes cross. */
const CROSSING_MS = 250;
/** Milliseconds to wait before trying again. */
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 5_000;

/** @typedef {{ id: string, number: number, at: number, seq?: number }} Post at: when it was written */
/** @typedef {{ id: string, seq: number, message: string, room: string, user: { user: string } }} Chat */

/**
 * Somebody in a room: does what the browser client does. Sends one message after the other, each with its id until it is
 * acknowledged, enters the room again after every connection, and fetches what was said meanwhile.
 */
export class Person {
  /** What this person was given of the room. */
  member = new Member();
  /** All that was written. @type {Post[]} */
  posts = [];
  /** Index in `posts` of the first one that is not acknowledged. */
  acknowledged = 0;
  connections = 0;
  /** How often messages were fetched because a push was missing on a connection that was there. */
  holes = 0;
  /** Milliseconds from the loss of a connection to being in the room again, the longest. */
  longestGap = 0;
  /** Milliseconds from writing to acknowledgement. @type {number[]} */
  acknowledgements = [];
  /** Milliseconds from writing to being read by this person. @type {number[]} */
  deliveries = [];
  /** In the room, with all that was said. */
  present = false;
  /** Why this person can no longer take part. @type {string | undefined} */
  stranded;

  #socket;
  #lostAt = 0;
  /** The stay in the room over one connection; what began during an earlier one is not wanted any more. @type {object | undefined} */
  #visit;
  #sending = false;
  #fetching = false;
  #closed = false;

  /**
   * @param {URL} url
   * @param {import('./registration.js').Account} account
   * @param {{ room: string, polls: boolean, insecure: boolean }} options
   */
  constructor(url, account, { room, polls, insecure }) {
    this.name = account.name;
    this.room = room;
    this.#socket = io(new URL('/packtchat', url).href, {
      autoConnect: false,
      forceNew: true,
      transports: polls ? ['polling'] : ['websocket'],
      extraHeaders: { cookie: account.cookie },
      // Polls belong to one node, so they have to bring HAProxy's cookie.
      withCredentials: polls,
      rejectUnauthorized: !insecure,
      reconnectionDelay: FIRST_DELAY_MS,
      reconnectionDelayMax: LONGEST_DELAY_MS,
      timeout: PATIENCE_MS,
    });
    this.#socket.on('connect', () => this.#connected());
    this.#socket.on('disconnect', (reason) => this.#disconnected(reason));
    this.#socket.on('connect_error', (error) => this.#refused(error));
    this.#socket.on('AddChat', (chat) => this.#pushed(chat));
  }

  /** Is this person connected, and has this person nothing left to send? */
  get settled() {
    return this.present && this.acknowledged === this.posts.length && !this.member.hasHole;
  }

  start() {
    this.#lostAt = Date.now();
    this.#socket.connect();
  }

  close() {
    this.#closed = true;
    this.#visit = undefined;
    this.#socket.io.reconnection(false);
    this.#socket.disconnect();
  }

  /** Writes the next message, which is sent when those before it are stored. */
  write() {
    this.posts.push({ id: randomUUID(), number: this.posts.length + 1, at: Date.now() });
    void this.#send();
  }

  /**
   * All messages of the room, as the server has them now.
   * @returns {Promise<{ chats: Chat[], gap: boolean }>}
   */
  async history() {
    /** @type {Chat[]} */
    const chats = [];
    for (;;) {
      const since = chats.at(-1)?.seq ?? 0;
      const page = await this.#ask('GetChat', { room: this.room, since, limit: 500 });
      if (!page.ok) throw new Error(`GetChat was refused: ${page.error.message}`);
      chats.push(...page.chats);
      if (page.gap || !page.more) return { chats, gap: page.gap };
    }
  }

  async #connected() {
    const visit = {};
    this.#visit = visit;
    this.connections += 1;
    this.member.connected();
    if (!(await this.#enter(visit))) return;
    await this.#fetch(visit);
    if (this.#visit !== visit) return;
    this.#back();
    void this.#closeHole();
    void this.#send();
  }

  #back() {
    if (this.present) return;
    this.present = true;
    // The first time is no gap: nothing has been lost.
    if (this.connections > 1) {
      this.longestGap = Math.max(this.longestGap, Date.now() - this.#lostAt);
    }
  }

  /** @param {string} reason */
  #disconnected(reason) {
    if (this.present) this.#lostAt = Date.now();
    this.present = false;
    this.#visit = undefined;
    // From this one the library does not come back by itself.
    if (reason === 'io server disconnect') void this.#comeBack();
  }

  /** @param {Error} error */
  #refused(error) {
    if (error.message === 'Not Authenticated') this.stranded = 'was signed out';
    else if (!this.#socket.active) void this.#comeBack();
  }

  async #comeBack() {
    await pause(delay(0));
    if (!this.#closed && !this.#socket.active) this.#socket.connect();
  }

  /**
   * Enters the room, however often that takes.
   * @param {object} visit
   */
  async #enter(visit) {
    for (let tries = 0; this.#visit === visit; tries += 1) {
      const answer = await this.#ask('AddRoom', { name: this.room });
      if (answer.ok) return this.#visit === visit;
      this.#mayPass(answer.error);
      await pause(delay(tries));
    }
    return false;
  }

  /**
   * Gets what follows the last message without a hole before it.
   * @param {object} visit
   */
  async #fetch(visit) {
    for (let tries = 0; this.#visit === visit; tries += 1) {
      const since = this.member.whole;
      const page = await this.#ask('GetChat', { room: this.room, since, limit: 500 });
      if (!page.ok) {
        this.#mayPass(page.error);
        await pause(delay(tries));
        continue;
      }
      for (const chat of page.chats) this.#read(chat, this.member.fetched(chat));
      if (!page.more) return;
      tries = -1;
    }
  }

  /** @param {Chat} chat */
  #pushed(chat) {
    if (chat.room !== this.room) return;
    this.#read(chat, this.member.push(chat));
    void this.#closeHole();
  }

  async #closeHole() {
    if (this.#fetching || !this.present || !this.member.hasHole) return;
    this.#fetching = true;
    const visit = this.#visit;
    await pause(CROSSING_MS);
    if (visit !== undefined && this.member.hasHole && this.#visit === visit) {
      this.holes += 1;
      await this.#fetch(visit);
    }
    this.#fetching = false;
  }

  /**
   * @param {Chat} chat
   * @param {boolean} isNew
   */
  #read(chat, isNew) {
    if (isNew) this.deliveries.push(Date.now() - Number(chat.message.split(' ').at(-1)));
  }

  /** Sends what is not acknowledged, one after the other, while there is a connection. */
  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    for (let tries = 0; this.present && this.acknowledged < this.posts.length;) {
      const visit = this.#visit;
      const post = /** @type {Post} */ (this.posts[this.acknowledged]);
      const message = `${post.number} ${post.at}`;
      const answer = await this.#ask('AddChat', { room: this.room, id: post.id, message });
      if (answer.ok) {
        post.seq = answer.seq;
        this.acknowledged += 1;
        this.acknowledgements.push(Date.now() - post.at);
        tries = 0;
        continue;
      }
      this.#mayPass(answer.error);
      if (answer.error.code === 'not_in_room' && visit !== undefined && this.#visit === visit) {
        if (await this.#enter(visit)) await this.#fetch(visit);
      } else if (this.#visit === visit) {
        await pause(delay(tries++));
      }
    }
    this.#sending = false;
  }

  /** @param {{ code: string, message: string }} error */
  #mayPass({ code, message }) {
    if (code === 'invalid' || code === 'too_large' || code === 'unauthenticated') {
      this.stranded = `was told: ${message}`;
    }
  }

  /**
   * @param {string} event
   * @param {object} payload
   * @returns {Promise<any>} what it was acknowledged with; where there is no answer, a refusal that may pass
   */
  async #ask(event, payload) {
    const none = { ok: false, error: { code: 'timeout', message: 'no answer' } };
    // The library would keep it, and send it when it may be wrong.
    if (!this.#socket.connected) return none;
    try {
      return await this.#socket.timeout(PATIENCE_MS).emitWithAck(event, payload);
    } catch {
      return none;
    }
  }
}

/**
 * Longer each time, and never the same for two people, so that they do not all come back at once.
 * @param {number} tries
 */
function delay(tries) {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** tries) * (0.5 + Math.random() / 2);
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((wake) => setTimeout(wake, milliseconds));
}
