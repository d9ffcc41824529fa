import { backoff } from '../connection/backoff';
import type { Connection } from '../connection/socket';
import { next } from '../features/room/outbox';
import { opened, reduce } from '../features/room/room';
import type { RoomEvent, RoomState } from '../features/room/room';
import { missing } from '../features/room/timeline';
import type { Missing } from '../features/room/timeline';
import * as live from '../state/liveList';
import type { LiveList } from '../state/liveList';
import type { Room, User } from '../wire/events';
import type { Failure, Pushes } from '../wire/protocol';
import type { Address } from './address';
import { messageId } from './messageId';

/** Everything the views show. */
export interface ChatState {
  readonly connection: 'connecting' | 'connected';
  /** Where it is not open, there is nothing to show. */
  readonly session: 'open' | 'unsure' | 'over';
  /** Null until the server has said. */
  readonly me: User | null;
  readonly rooms: LiveList<Room>;
  readonly room: RoomState | null;
  /** The name of the room being entered. */
  readonly entering: string | null;
  /** Why the room of this name could not be entered; for people. */
  readonly entryError: { readonly name: string; readonly message: string } | null;
  /** Something that happened to the person without their doing. */
  readonly notice: string | null;
}

/**
 * One stay in a room over one connection. What was begun during an earlier visit is not wanted any more when it
 * ends: whoever awaits compares.
 */
interface Visit {
  fetching: boolean;
  sending: boolean;
}

/**
 * Milliseconds. A message's acknowledgement and its neighbours' pushes travel different ways and may cross, so a
 * hole may close by itself.
 */
const CROSSING = 250;

const NOTHING_KNOWN: ChatState = {
  connection: 'connecting',
  session: 'open',
  me: null,
  rooms: live.UNKNOWN,
  room: null,
  entering: null,
  entryError: null,
  notice: null,
};

/**
 * Keeps [`ChatState`] true: follows the address, the pushes and the person, and asks the server for what is missing.
 *
 * After every connection, the first like any other, it asks who it is and which rooms there are, enters the room
 * it was in, and fetches what was said since. Requests that fail for a reason that may pass are repeated.
 */
export class ChatClient {
  #state: ChatState = NOTHING_KNOWN;
  readonly #listeners = new Set<() => void>();
  readonly #connection: Connection;
  readonly #address: Address;
  readonly #messageChars: number;
  /** The room the person wants to be in. */
  #wanted: string | null = null;
  /** The newest attempt to enter it; older ones give up. */
  #attempt: object | null = null;
  /** The connection, once established; a new object each time. */
  #session: object | null = null;
  #visit: Visit | null = null;
  /** What was left unsent in the rooms that were left. */
  readonly #kept = new Map<string, Pick<RoomState, 'outbox' | 'draft'>>();

  constructor(connection: Connection, address: Address, messageChars: number) {
    this.#connection = connection;
    this.#address = address;
    this.#messageChars = messageChars;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getState = (): ChatState => this.#state;

  start(): void {
    this.followAddress();
    this.#connection.start({
      connected: () => {
        this.#connected();
      },
      disconnected: () => {
        this.#disconnected();
      },
      putOut: () => {
        this.#set({ session: 'unsure' });
      },
      unauthenticated: () => {
        this.#signOut();
      },
      pushed: (name, payload) => {
        this.#pushed(name, payload);
      },
    });
  }

  /** The address has changed: a link was followed, or back or forward pressed. */
  followAddress(): void {
    const place = this.#address.place();
    if (place === null) {
      this.#address.replace(this.#wanted);
    } else if (place.room === null) {
      this.#leave();
    } else if (place.room !== this.#wanted) {
      this.#wanted = place.room;
      this.#set({ entering: place.room, entryError: null, notice: null });
      void this.#enter();
    }
  }

  typed(draft: string): void {
    this.#change({ kind: 'typed', draft });
  }

  /** Sends what was typed, or says what is wrong with it. Tells whether it was sent on its way. */
  send(): boolean {
    const draft = this.#state.room?.draft ?? '';
    const chars = Array.from(draft).length;
    if (draft.trim() === '') {
      this.#change({ kind: 'draft-refused', reason: 'Please enter a message' });
      return false;
    }
    if (chars > this.#messageChars) {
      const most = this.#messageChars.toLocaleString('en');
      const reason = `A message has at most ${most} characters, this one has ${chars.toLocaleString('en')}`;
      this.#change({ kind: 'draft-refused', reason });
      return false;
    }
    this.#change({ kind: 'written', id: messageId(), ts: Date.now() });
    return true;
  }

  /** Whether anything written has not been stored. */
  hasUnsent(): boolean {
    const kept = [...this.#kept.values()].some(({ outbox }) => outbox.length > 0);
    return kept || (this.#state.room?.outbox.length ?? 0) > 0;
  }

  sendAgain(id: string): void {
    this.#change({ kind: 'send-again', id });
  }

  /** Forgets all but the last `keep` messages. */
  trim(keep: number): void {
    this.#change({ kind: 'trimmed', keep });
  }

  async loadOlder(): Promise<void> {
    const visit = this.#visit;
    const room = this.#state.room;
    const first = room?.timeline.chats[0];
    if (visit === null || first === undefined || room?.older === 'loading') return;
    this.#change({ kind: 'older-asked' });
    const ack = await this.#connection.request('GetChat', { room: first.room, before: first.seq });
    if (this.#visit !== visit) return;
    if (ack.ok) {
      this.#change({ kind: 'older', before: first.seq, page: ack });
    } else {
      this.#change({ kind: 'older-failed' });
      this.#mayPass(ack.error);
    }
  }

  #connected(): void {
    const session = {};
    this.#session = session;
    this.#set({ connection: 'connected', session: 'open' });
    void this.#fetchMe(session);
    void this.#fetchRooms(session);
    void this.#enter();
  }

  #disconnected(): void {
    this.#session = null;
    this.#attempt = null;
    this.#visit = null;
    this.#set({ connection: 'connecting' });
    this.#change({ kind: 'disconnected' });
  }

  /**
   * Leaves for the sign-in at once. Whoever ended the session meant this screen to be empty, so nothing stays on it
   * until that page has come, and nothing unsent holds it back.
   */
  #signOut(): void {
    this.#session = null;
    this.#attempt = null;
    this.#visit = null;
    this.#kept.clear();
    this.#set({ ...NOTHING_KNOWN, session: 'over' });
    this.#address.signIn();
  }

  async #fetchMe(session: object): Promise<void> {
    for (let tries = 0; this.#session === session; tries++) {
      const ack = await this.#connection.request('GetMe', null);
      if (this.#session !== session) return;
      if (ack.ok) {
        this.#set({ me: ack.me });
        this.#pursue();
        return;
      }
      if (!this.#mayPass(ack.error)) return;
      await pause(backoff(tries));
    }
  }

  async #fetchRooms(session: object): Promise<void> {
    for (let tries = 0; this.#session === session; tries++) {
      this.#set({ rooms: live.asked(this.#state.rooms) });
      const ack = await this.#connection.request('GetRoom', null);
      if (this.#session !== session) return;
      if (ack.ok) {
        this.#set({ rooms: live.fetched(this.#state.rooms, ack.rooms) });
        return;
      }
      if (!this.#mayPass(ack.error)) return;
      await pause(backoff(tries));
    }
  }

  /** Enters the wanted room, however often that takes. */
  async #enter(): Promise<void> {
    const name = this.#wanted;
    if (name === null || !this.#connection.connected) return;
    const attempt = {};
    this.#attempt = attempt;
    this.#visit = null;
    this.#change({ kind: 'disconnected' });
    for (let tries = 0; this.#attempt === attempt; tries++) {
      const ack = await this.#connection.request('AddRoom', { name });
      if (this.#attempt !== attempt) return;
      if (ack.ok) {
        this.#entered(ack.room);
        return;
      }
      const { code, message } = ack.error;
      if (code === 'invalid' || code === 'too_large') {
        this.#entryRefused(name, message);
        return;
      }
      if (code === 'unauthenticated') {
        this.#signOut();
        return;
      }
      await pause(backoff(tries));
    }
  }

  #entered(room: Room): void {
    this.#attempt = null;
    this.#wanted = room.name;
    this.#address.replace(room.name);
    if (this.#state.room?.name !== room.name) {
      this.#keepUnsent();
      this.#set({ room: opened(room.name, this.#kept.get(room.name)) });
      this.#kept.delete(room.name);
    }
    this.#set({
      rooms: live.has(this.#state.rooms, room.id)
        ? this.#state.rooms
        : live.added(this.#state.rooms, room),
      entering: null,
    });
    const visit: Visit = { fetching: false, sending: false };
    this.#visit = visit;
    this.#change({ kind: 'entered' });
    void this.#fetchPeople(visit, room.name);
  }

  #entryRefused(name: string, message: string): void {
    this.#attempt = null;
    const stay = this.#state.room?.name ?? null;
    this.#wanted = stay === name ? null : stay;
    this.#set({ entering: null, entryError: { name, message } });
    this.#address.replace(this.#wanted);
    if (stay === name) this.#closeRoom();
    // The server may have let go of the room before it refused the other.
    void this.#enter();
  }

  #leave(): void {
    if (this.#wanted === null) return;
    this.#wanted = null;
    this.#attempt = null;
    this.#closeRoom();
    this.#set({ entering: null, entryError: null });
    // There is no event for leaving: a room is left for another, or with the connection.
    if (this.#connection.connected) this.#connection.restart();
  }

  #closeRoom(): void {
    this.#visit = null;
    this.#keepUnsent();
    this.#set({ room: null });
  }

  #keepUnsent(): void {
    this.#change({ kind: 'disconnected' });
    const { room } = this.#state;
    if (room === null) return;
    if (room.outbox.length > 0 || room.draft !== '') {
      this.#kept.set(room.name, { outbox: room.outbox, draft: room.draft });
    }
  }

  #pushed<Name extends keyof Pushes>(name: Name, payload: Pushes[Name]): void;
  #pushed(...[name, payload]: { [N in keyof Pushes]: [N, Pushes[N]] }[keyof Pushes]): void {
    switch (name) {
      case 'AddRoom':
        this.#set({ rooms: live.added(this.#state.rooms, payload) });
        break;
      case 'RemoveRoom':
        this.#set({ rooms: live.removed(this.#state.rooms, payload.id) });
        if (this.#state.room?.name === payload.name) this.#removed(payload);
        break;
      case 'AddUser':
        if (this.#here(payload.room)) this.#change({ kind: 'user-added', user: payload });
        break;
      case 'RemoveUser':
        if (this.#here(payload.room)) this.#change({ kind: 'user-removed', user: payload });
        break;
      case 'AddChat':
        if (this.#here(payload.room)) this.#change({ kind: 'chat', chat: payload });
        break;
    }
  }

  #here(room: string): boolean {
    return this.#state.room?.name === room;
  }

  #removed({ name }: Room): void {
    this.#closeRoom();
    this.#set({
      notice: `The room “${name}” was removed because nobody had talked in it for a while.`,
    });
    if (this.#wanted === name) {
      this.#wanted = null;
      this.#attempt = null;
      this.#set({ entering: null });
      this.#address.replace(null);
    }
  }

  async #fetchPeople(visit: Visit, room: string): Promise<void> {
    for (let tries = 0; this.#visit === visit; tries++) {
      this.#change({ kind: 'people-asked' });
      const ack = await this.#connection.request('GetUser', { room });
      if (this.#visit !== visit) return;
      if (ack.ok) {
        this.#change({ kind: 'people', users: ack.users });
        return;
      }
      if (!this.#mayPass(ack.error)) return;
      await pause(backoff(tries));
    }
  }

  /** Does what the state of the room calls for. */
  #pursue(): void {
    const visit = this.#visit;
    if (visit === null) return;
    void this.#fetchMissing(visit);
    void this.#sendQueued(visit);
  }

  async #fetchMissing(visit: Visit): Promise<void> {
    if (visit.fetching) return;
    visit.fetching = true;
    let previous = '';
    let tries = 0;
    for (;;) {
      const { room } = this.#state;
      const wanted = room && missing(room.timeline);
      if (room === null || wanted === null) break;
      const key = JSON.stringify(wanted);
      if (key === previous) {
        // Refused, or granted without what was missing: not in a tight loop.
        await pause(backoff(tries++));
      } else {
        tries = 0;
        if (wanted.kind === 'newer' && wanted.crossing) await pause(CROSSING);
      }
      previous = key;
      if (this.#visit !== visit) return;
      if (!isStill(wanted, this.#state.room)) continue;
      const since = wanted.kind === 'newer' ? { since: wanted.since } : {};
      const ack = await this.#connection.request('GetChat', { room: room.name, ...since });
      if (this.#visit !== visit) return;
      if (ack.ok) this.#change({ kind: wanted.kind, page: ack });
      else if (!this.#mayPass(ack.error)) return;
    }
    visit.fetching = false;
  }

  async #sendQueued(visit: Visit): Promise<void> {
    if (visit.sending) return;
    visit.sending = true;
    for (;;) {
      const { room, me } = this.#state;
      const due = room && next(room.outbox);
      if (room === null || due === null || me === null) break;
      if (due.tries > 0) {
        await pause(backoff(due.tries));
        if (this.#visit !== visit) return;
        // It may have turned out to be stored after all.
        if (this.#state.room && next(this.#state.room.outbox)?.id !== due.id) continue;
      }
      const { id, message } = due;
      this.#change({ kind: 'sending', id });
      const ack = await this.#connection.request('AddChat', { room: room.name, message, id });
      if (this.#visit !== visit) return;
      if (ack.ok) {
        const { seq, ts } = ack;
        this.#change({ kind: 'chat', chat: { id, seq, room: room.name, message, ts, user: me } });
      } else {
        this.#change({ kind: 'not-sent', id, error: ack.error });
        if (!this.#mayPass(ack.error)) return;
      }
    }
    visit.sending = false;
  }

  /** Whether a request that failed so is worth repeating; where something else has to be done first, does it. */
  #mayPass({ code }: Failure): boolean {
    if (code === 'unauthenticated') {
      this.#signOut();
      return false;
    }
    if (code === 'not_in_room') {
      void this.#enterAgain();
      return false;
    }
    return true;
  }

  /** The server has lost sight of us. */
  async #enterAgain(): Promise<void> {
    const attempt = {};
    this.#attempt = attempt;
    this.#visit = null;
    this.#change({ kind: 'disconnected' });
    await pause(backoff(0));
    if (this.#attempt === attempt) await this.#enter();
  }

  #change(event: RoomEvent): void {
    const { room } = this.#state;
    if (room === null) return;
    this.#set({ room: reduce(room, event) });
    this.#pursue();
  }

  #set(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function isStill(wanted: Missing, room: RoomState | null): boolean {
  return room !== null && JSON.stringify(missing(room.timeline)) === JSON.stringify(wanted);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
