import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { visible } from '../features/room/timeline';
import type { Address, Place } from './address';
import { ChatClient } from './client';
import { ScriptedServer, alice, bob } from './scriptedServer';
import type { Asked } from './scriptedServer';

class ScriptedAddress implements Address {
  constructor(public at: Place) {}
  signIn = vi.fn();
  place() {
    return this.at;
  }
  replace(room: string | null) {
    this.at = { room };
  }
}

/** A started client, connected unless told otherwise. */
async function start(room: string | null, server = new ScriptedServer()) {
  const address = new ScriptedAddress({ room });
  const client = new ChatClient(server, address, 20);
  client.start();
  server.connect();
  await settled();
  return { server, address, client, goTo: goTo(client, address) };
}

function goTo(client: ChatClient, address: ScriptedAddress) {
  return async (room: string | null) => {
    address.at = { room };
    client.followAddress();
    await settled();
  };
}

/** Everything has happened that needs no time to pass. */
async function settled() {
  await vi.advanceTimersByTimeAsync(0);
}

function say(client: ChatClient, message: string): boolean {
  client.typed(message);
  return client.send();
}

function room(client: ChatClient) {
  const { room } = client.getState();
  if (room === null) throw new Error('not in a room');
  return room;
}

const shown = (client: ChatClient) => visible(room(client).timeline).map((chat) => chat.message);

function payloads(server: ScriptedServer, name: Asked['name']) {
  return server.asked.filter((asked) => asked.name === name).map(({ payload }) => payload);
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('connecting', () => {
  it('asks who one is and which rooms there are', async () => {
    const server = new ScriptedServer();
    server.rooms.push({ id: 'lobby', name: 'lobby' });
    const { client } = await start(null, server);
    expect(client.getState()).toMatchObject({
      connection: 'connected',
      me: alice,
      rooms: { items: [{ name: 'lobby' }] },
      room: null,
    });
  });

  it('repeats what was refused for a while', async () => {
    const server = new ScriptedServer();
    server.failNext('GetMe', 'unavailable');
    server.failNext('GetRoom', 'timeout');
    server.failNext('AddRoom', 'rate_limited');
    server.failNext('GetUser', 'unavailable');
    server.failNext('GetChat', 'unavailable');
    server.store(bob, 'hello');
    const { client } = await start('lobby', server);
    await vi.advanceTimersByTimeAsync(2000);
    expect(client.getState()).toMatchObject({ me: alice, rooms: { items: [{ name: 'lobby' }] } });
    expect(room(client).people.items).toEqual([alice]);
    expect(shown(client)).toEqual(['hello']);
  });

  it('leads to the sign-in when the session has ended', async () => {
    const server = new ScriptedServer();
    server.failNext('GetMe', 'unauthenticated');
    const { address, client } = await start(null, server);
    expect(address.signIn).toHaveBeenCalledOnce();
    expect(client.getState().me).toBeNull();
  });

  it('leaves nothing on the screen, and is held back by nothing, when the session ends', async () => {
    const server = new ScriptedServer();
    const { address, client, goTo } = await start('lobby', server);
    server.failNext('AddChat', 'unavailable');
    say(client, 'unsent in the lobby');
    await goTo('garden');
    server.failNext('AddChat', 'unavailable');
    say(client, 'unsent in the garden');
    await settled();
    expect(client.hasUnsent()).toBe(true);
    server.putOut();
    server.listener.unauthenticated();
    expect(address.signIn).toHaveBeenCalledOnce();
    expect(client.hasUnsent()).toBe(false);
    const { session, me, rooms, room } = client.getState();
    expect({ session, me, rooms: rooms.items, room }).toEqual({
      session: 'over',
      me: null,
      rooms: null,
      room: null,
    });
    await vi.runAllTimersAsync();
    expect(client.getState().session).toBe('over');
  });

  it('goes on where it was when the browser has another session by now', async () => {
    const { address, client, server } = await start('lobby');
    client.typed('half of a sen');
    server.putOut();
    expect(client.getState().session).toBe('unsure');
    server.connect();
    await settled();
    expect(client.getState().session).toBe('open');
    expect(room(client)).toMatchObject({ name: 'lobby', entered: true, draft: 'half of a sen' });
    expect(address.signIn).not.toHaveBeenCalled();
  });
});

describe('rooms', () => {
  it('are entered by address, and left for the list with the connection', async () => {
    const { client, goTo, server } = await start('lobby');
    expect(room(client)).toMatchObject({ name: 'lobby', entered: true });
    await goTo(null);
    expect(client.getState().room).toBeNull();
    expect(server.restarts).toBe(1);
    expect(payloads(server, 'AddRoom')).toEqual([{ name: 'lobby' }]);
  });

  it('are left for one another without a new connection', async () => {
    const { client, goTo, server } = await start('lobby');
    await goTo('garden');
    expect(room(client)).toMatchObject({ name: 'garden', entered: true });
    expect(server.restarts).toBe(0);
    expect(client.getState().rooms.items?.map(({ name }) => name)).toEqual(['garden', 'lobby']);
  });

  it('come and go in the list', async () => {
    const { client, server } = await start(null);
    server.listener.pushed('AddRoom', { id: 'garden', name: 'garden' });
    expect(client.getState().rooms.items).toEqual([{ id: 'garden', name: 'garden' }]);
    server.listener.pushed('RemoveRoom', { id: 'garden', name: 'garden' });
    expect(client.getState().rooms.items).toEqual([]);
  });

  it('of an unfit name are refused with the reason, and one stays where one was', async () => {
    const { address, client, goTo, server } = await start('lobby');
    server.failNext('AddRoom', 'invalid');
    await goTo('bad');
    expect(client.getState()).toMatchObject({
      entering: null,
      entryError: { name: 'bad', message: 'Refused: invalid' },
      room: { name: 'lobby', entered: true },
    });
    expect(address.at).toEqual({ room: 'lobby' });
    await goTo('good');
    expect(client.getState()).toMatchObject({ entryError: null, room: { name: 'good' } });
  });

  it('that were wanted last are the ones entered', async () => {
    const { address, client, server } = await start(null);
    server.failNext('AddRoom', 'unavailable');
    address.at = { room: 'first' };
    client.followAddress();
    address.at = { room: 'second' };
    client.followAddress();
    await vi.advanceTimersByTimeAsync(2000);
    expect(room(client).name).toBe('second');
    expect(payloads(server, 'AddRoom')).toEqual([{ name: 'first' }, { name: 'second' }]);
  });

  it('that are removed take their people back to the list with a word', async () => {
    const { address, client, server } = await start('lobby');
    server.listener.pushed('RemoveRoom', { id: 'lobby', name: 'lobby' });
    expect(client.getState()).toMatchObject({ room: null, rooms: { items: [] } });
    expect(client.getState().notice).toContain('lobby');
    expect(address.at).toEqual({ room: null });
    server.disconnect();
    server.connect();
    await settled();
    expect(payloads(server, 'AddRoom')).toHaveLength(1);
  });

  it('are not left for a part of the page', async () => {
    const { address, client } = await start('lobby');
    address.at = null;
    client.followAddress();
    expect(address.at).toEqual({ room: 'lobby' });
    expect(room(client).name).toBe('lobby');
  });

  it('keep what was not sent until one comes back', async () => {
    const { client, goTo } = await start('lobby');
    client.typed('half a thought');
    await goTo('garden');
    expect(room(client).draft).toBe('');
    await goTo('lobby');
    expect(room(client).draft).toBe('half a thought');
  });
});

describe('messages', () => {
  it('that are pushed for other rooms are not shown', async () => {
    const { client, server } = await start('lobby');
    server.listener.pushed('AddChat', { ...server.store(bob, 'elsewhere'), room: 'garden' });
    expect(shown(client)).toEqual([]);
  });

  it('are stored once and shown once, in the order they were written', async () => {
    const { client, server } = await start('lobby');
    for (const text of ['one', 'two', 'three']) expect(say(client, text)).toBe(true);
    await settled();
    expect(shown(client)).toEqual(['one', 'two', 'three']);
    expect(server.chats.map((chat) => chat.message)).toEqual(['one', 'two', 'three']);
    expect(room(client).outbox).toEqual([]);
    expect(client.hasUnsent()).toBe(false);
  });

  it('are confirmed by the acknowledgement alone', async () => {
    const { client, server } = await start('lobby');
    server.pushes = false;
    say(client, 'one');
    await settled();
    expect(shown(client)).toEqual(['one']);
    expect(room(client).timeline.chats[0]).toMatchObject({ seq: 1, user: alice });
  });

  it('that are empty or too long are not sent, and the writer learns why', async () => {
    const { client, server } = await start('lobby');
    expect(say(client, ' \n')).toBe(false);
    expect(room(client).draftError).toBe('Please enter a message');
    expect(say(client, '🎉'.repeat(20))).toBe(true);
    expect(say(client, '🎉'.repeat(21))).toBe(false);
    expect(room(client).draftError).toBe('A message has at most 20 characters, this one has 21');
    await settled();
    expect(server.chats).toHaveLength(1);
  });

  it('whose answer was lost are sent again with the same id and stored once', async () => {
    const { client, server } = await start('lobby');
    server.pushes = false;
    server.failNext('AddChat', 'timeout', true);
    say(client, 'one');
    await settled();
    expect(room(client).outbox).toMatchObject([{ state: 'queued', tries: 1 }]);
    await vi.advanceTimersByTimeAsync(2000);
    const ids = payloads(server, 'AddChat').map((payload) => (payload as { id: string }).id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    expect(shown(client)).toEqual(['one']);
    expect(room(client).outbox).toEqual([]);
  });

  it('are left to their writer after many tries', async () => {
    const { client, server } = await start('lobby');
    for (let i = 0; i < 6; i++) server.failNext('AddChat', 'rate_limited');
    say(client, 'one');
    await vi.advanceTimersByTimeAsync(60_000);
    const [message] = room(client).outbox;
    expect(message).toMatchObject({ state: 'failed', reason: 'Refused: rate_limited' });
    expect(client.hasUnsent()).toBe(true);
    client.sendAgain(message?.id ?? '');
    await settled();
    expect(shown(client)).toEqual(['one']);
  });

  it('that are refused for ever come back to the field', async () => {
    const { client, server } = await start('lobby');
    server.failNext('AddChat', 'invalid');
    say(client, 'one');
    await settled();
    expect(room(client)).toMatchObject({
      draft: 'one',
      draftError: 'Refused: invalid',
      outbox: [],
    });
  });

  it('written while there is no connection are sent when it is back', async () => {
    const { client, server } = await start('lobby');
    server.disconnect();
    say(client, 'one');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(payloads(server, 'AddChat')).toEqual([]);
    expect(room(client).outbox).toMatchObject([{ message: 'one', tries: 0 }]);
    server.connect();
    await settled();
    expect(shown(client)).toEqual(['one']);
  });

  it('make one enter again when the server has lost sight of one', async () => {
    const { client, server } = await start('lobby');
    server.failNext('AddChat', 'not_in_room');
    say(client, 'one');
    await vi.advanceTimersByTimeAsync(3000);
    expect(payloads(server, 'AddRoom')).toHaveLength(2);
    expect(shown(client)).toEqual(['one']);
  });

  it('missed while away are fetched, page by page, and none is doubled by a push', async () => {
    const server = new ScriptedServer();
    server.store(bob, 'before');
    const { client } = await start('lobby', server);
    server.disconnect();
    for (let i = 1; i <= 5; i++) server.store(bob, `missed ${i}`);
    server.pageSize = 2;
    server.meanwhile.set('GetChat', () => {
      server.listener.pushed('AddChat', server.store(bob, 'live'));
    });
    server.connect();
    await settled();
    expect(shown(client)).toEqual(['before', ...[1, 2, 3, 4, 5].map((i) => `missed ${i}`), 'live']);
    expect(payloads(server, 'GetChat')).toEqual([
      { room: 'lobby' },
      { room: 'lobby', since: 1 },
      { room: 'lobby', since: 3 },
      { room: 'lobby', since: 5 },
    ]);
  });

  it('lost on the way are fetched, those that only cross are not', async () => {
    const { client, server } = await start('lobby');
    const [first, second] = [server.store(bob, 'first'), server.store(bob, 'second')];
    server.listener.pushed('AddChat', first);
    server.store(bob, 'lost');
    server.listener.pushed('AddChat', server.store(bob, 'fourth'));
    server.listener.pushed('AddChat', second);
    await vi.advanceTimersByTimeAsync(1000);
    expect(shown(client)).toEqual(['first', 'second', 'lost', 'fourth']);
    expect(payloads(server, 'GetChat').at(-1)).toEqual({ room: 'lobby', since: 2 });

    const fetches = payloads(server, 'GetChat').length;
    const [fifth, sixth] = [server.store(bob, 'fifth'), server.store(bob, 'sixth')];
    server.listener.pushed('AddChat', sixth);
    server.listener.pushed('AddChat', fifth);
    await vi.advanceTimersByTimeAsync(1000);
    expect(shown(client).slice(-2)).toEqual(['fifth', 'sixth']);
    expect(payloads(server, 'GetChat')).toHaveLength(fetches);
  });

  it('from before are fetched when asked for, one page at a time', async () => {
    const server = new ScriptedServer();
    for (let i = 1; i <= 7; i++) server.store(bob, `${i}`);
    server.pageSize = 3;
    const { client } = await start('lobby', server);
    expect(shown(client)).toEqual(['5', '6', '7']);
    void client.loadOlder();
    void client.loadOlder();
    await settled();
    expect(shown(client)).toEqual(['2', '3', '4', '5', '6', '7']);
    server.failNext('GetChat', 'unavailable');
    await client.loadOlder();
    expect(room(client).older).toBe('failed');
    await client.loadOlder();
    expect(shown(client)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(room(client)).toMatchObject({ older: 'idle', timeline: { hasOlder: false } });
  });
});

describe('people', () => {
  it('come and go while the list of them is fetched', async () => {
    const { client, server } = await start('lobby');
    server.disconnect();
    server.meanwhile.set('GetUser', () => {
      server.listener.pushed('AddUser', { ...bob, room: 'lobby' });
    });
    server.connect();
    await settled();
    expect(room(client).people.items).toEqual([bob, alice]);
    server.listener.pushed('RemoveUser', { ...bob, room: 'garden' });
    expect(room(client).people.items).toEqual([bob, alice]);
    server.listener.pushed('RemoveUser', { ...bob, room: 'lobby' });
    expect(room(client).people.items).toEqual([alice]);
  });
});
