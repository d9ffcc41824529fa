import type { Connection, Listener } from '../connection/socket';
import type { Chat, Room, User } from '../wire/events';
import type { Failure, Outcome, Requests } from '../wire/protocol';

/** A request as the server got it. */
export type Asked = {
  [Name in keyof Requests]: { readonly name: Name; readonly payload: Requests[Name]['payload'] };
}[keyof Requests];

export const alice: User = { id: 'u-a', user: 'alice', type: 'local' };
export const bob: User = { id: 'u-b', user: 'bob', type: 'local' };

/**
 * For tests: a connection to a chat server that lives in this object, keeps what it is told, and fails when it is
 * told to.
 */
export class ScriptedServer implements Connection {
  connected = false;
  restarts = 0;
  readonly asked: Asked[] = [];
  readonly rooms: Room[] = [];
  readonly users: User[] = [alice];
  readonly chats: Chat[] = [];
  /** Most messages in an answer. */
  pageSize = 100;
  /** Whether `AddChat` is pushed to everybody, before it is acknowledged. */
  pushes = true;
  /** Done when the next such request has been answered and the answer has not arrived. */
  readonly meanwhile = new Map<keyof Requests, () => void>();
  #failures: { name: keyof Requests; error: Failure; done: boolean }[] = [];
  #listener: Listener | null = null;

  get listener(): Listener {
    if (this.#listener === null) throw new Error('the connection was not started');
    return this.#listener;
  }

  start(listener: Listener): void {
    this.#listener = listener;
  }

  connect(): void {
    this.connected = true;
    this.listener.connected();
  }

  disconnect(): void {
    this.connected = false;
    this.listener.disconnected();
  }

  /** The session has ended. */
  putOut(): void {
    this.disconnect();
    this.listener.putOut();
  }

  restart(): void {
    this.restarts++;
    this.disconnect();
    this.connect();
  }

  /** Refuses the next such request. `done`: does it all the same, as when only the answer is lost. */
  failNext(name: keyof Requests, code: Failure['code'], done = false): void {
    this.#failures.push({ name, error: { code, message: `Refused: ${code}` }, done });
  }

  /** Stores a message of somebody's. */
  store(user: User, message: string, id = `m-${this.chats.length + 1}`): Chat {
    const known = this.chats.find((chat) => chat.id === id);
    if (known !== undefined) return known;
    const seq = (this.chats.at(-1)?.seq ?? 0) + 1;
    const chat = { id, seq, room: 'lobby', message, ts: 1_700_000_000_000 + seq, user };
    this.chats.push(chat);
    return chat;
  }

  async request<Name extends keyof Requests>(
    name: Name,
    payload: Requests[Name]['payload'],
  ): Promise<Outcome<Name>> {
    const asked = { name, payload } as Asked;
    this.asked.push(asked);
    const index = this.#failures.findIndex((failure) => failure.name === name);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    const ack = failure === undefined || failure.done ? this.#answer(asked) : null;
    this.meanwhile.get(name)?.();
    this.meanwhile.delete(name);
    // As slow as the fastest network.
    await Promise.resolve();
    if (failure !== undefined) return { ok: false, error: failure.error };
    return ack as Outcome<Name>;
  }

  #answer(asked: Asked): Outcome<keyof Requests> {
    switch (asked.name) {
      case 'GetMe':
        return { ok: true, me: alice };
      case 'GetRoom':
        return { ok: true, rooms: [...this.rooms] };
      case 'AddRoom': {
        const { name } = asked.payload;
        const room = { id: name, name };
        if (!this.rooms.some((other) => other.id === name)) this.rooms.unshift(room);
        return { ok: true, room };
      }
      case 'GetUser':
        return { ok: true, users: [...this.users] };
      case 'GetChat': {
        const { since, before } = asked.payload;
        const among = this.chats.filter(
          ({ seq }) => seq > (since ?? 0) && seq < (before ?? Infinity),
        );
        const chats =
          typeof since === 'number' ? among.slice(0, this.pageSize) : among.slice(-this.pageSize);
        return { ok: true, chats, gap: false, more: chats.length < among.length };
      }
      case 'AddChat': {
        const chat = this.store(alice, asked.payload.message, asked.payload.id ?? undefined);
        if (this.pushes) this.listener.pushed('AddChat', chat);
        return { ok: true, id: chat.id, seq: chat.seq, ts: chat.ts };
      }
    }
  }
}
