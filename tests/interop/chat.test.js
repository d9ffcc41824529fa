import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { freshName, register, signOut } from './support/account.js';
import { MODES, client, connected, settled } from './support/client.js';
import { Stack } from './support/stack.js';
import { next, until } from './support/wait.js';

/** @typedef {import('node:test').TestContext} TestContext */
/** @typedef {import('./support/client.js').Mode} Mode */

const stack = await Stack.start();
after(() => stack.stop());

const PATIENCE_MS = 15_000;

/** Somebody with an account and a stock client, connected to one of the nodes. */
class Person {
  /**
   * @param {TestContext} t
   * @param {Mode} mode
   * @param {string} of
   * @param {string} node
   */
  static async connect(t, mode, of, node) {
    const { name, cookie } = await register(stack.url, of);
    const extraHeaders = { cookie: `${cookie}; SERVERID=${node}` };
    const socket = await connected(t, `${stack.url}/packtchat`, mode, { extraHeaders });
    const { me } = await socket.timeout(PATIENCE_MS).emitWithAck('GetMe');
    return new Person(name, me, socket, (/** @type {string} */ other) => {
      extraHeaders.cookie = `${cookie}; SERVERID=${other}`;
    });
  }

  /**
   * @param {string} name
   * @param {{ id: string, user: string, type: string }} me
   * @param {import('socket.io-client').Socket} socket
   * @param {(node: string) => void} prefer chooses the node of the next connection
   */
  constructor(name, me, socket, prefer) {
    this.name = name;
    this.me = me;
    this.socket = socket;
    this.prefer = prefer;
    /** @type {{ seq: number, message: string, user: unknown }[]} */
    this.read = [];
    socket.on('AddChat', (chat) => this.read.push(chat));
  }

  /**
   * Sends an event and gives what it was acknowledged with.
   * @param {string} event
   * @param {object[]} payload
   * @returns {Promise<any>}
   */
  async ask(event, ...payload) {
    return this.socket.timeout(PATIENCE_MS).emitWithAck(event, ...payload);
  }

  /** Waits for that many messages. @param {number} count */
  async reads(count) {
    await until(`${this.name} reads ${count} messages`, () =>
      this.read.length >= count ? true : undefined,
    );
    return this.read;
  }
}

/**
 * @param {TestContext} t
 * @param {Mode} mode
 */
async function twoPeople(t, mode) {
  const room = freshName('room');
  const [alice, bob] = await Promise.all([
    Person.connect(t, mode, 'alice', 'chat-realtime-1'),
    Person.connect(t, mode, 'bob', 'chat-realtime-2'),
  ]);
  const entered = { ok: true, room: { id: room, name: room } };
  assert.deepEqual(await alice.ask('AddRoom', { name: room }), entered);
  const arrival = next(alice.socket, 'AddUser');
  assert.deepEqual(await bob.ask('AddRoom', { name: room }), entered);
  assert.deepEqual(await arrival, [{ ...bob.me, room }]);
  return { room, alice, bob };
}

for (const mode of MODES) {
  describe(mode.name, () => {
    test('is refused without a session, and told why', async (t) => {
      const socket = client(t, `${stack.url}/packtchat`, mode);
      const [error] = await next(socket, 'connect_error');
      assert.equal(error.message, 'Not Authenticated');
      assert.equal(socket.connected, false);
    });

    test('is refused in the page of another site, whoever has signed in', async (t) => {
      const session = await register(stack.url, 'erin');
      const cookie = `${session.cookie}; SERVERID=chat-realtime-1`;
      const connecting = (/** @type {string} */ origin) =>
        client(t, `${stack.url}/packtchat`, mode, { extraHeaders: { cookie, origin } });
      for (const origin of ['https://evil.example', 'null']) {
        const socket = connecting(origin);
        await next(socket, 'connect_error');
        assert.equal(socket.connected, false);
      }
      await next(connecting(new URL(stack.url).origin), 'connect');
    });

    test('is put out for good when the session ends', async (t) => {
      const { cookie } = await register(stack.url, 'frank');
      const sockets = await Promise.all(
        ['chat-realtime-1', 'chat-realtime-2'].map((node) =>
          connected(t, `${stack.url}/packtchat`, mode, {
            extraHeaders: { cookie: `${cookie}; SERVERID=${node}` },
          }),
        ),
      );
      const gone = sockets.map((socket) => next(socket, 'disconnect'));
      await signOut(stack.url, cookie);
      for (const [reason] of await Promise.all(gone)) {
        assert.equal(reason, 'io server disconnect');
      }
      for (const socket of sockets) assert.equal(socket.active, false);
      const [again] = sockets;
      assert(again);
      const refused = next(again, 'connect_error');
      again.connect();
      assert.equal((await refused)[0].message, 'Not Authenticated');
    });

    test('is who has signed in', async (t) => {
      const { name, me } = await Person.connect(t, mode, 'carol', 'chat-realtime-2');
      assert.equal(me.user, name);
      assert.equal(me.type, 'local');
    });

    test('talks in a room over two nodes: all read the same in the same order', async (t) => {
      const { room, alice, bob } = await twoPeople(t, mode);
      const { users } = await bob.ask('GetUser', { room });
      assert.deepEqual(users.map((/** @type {any} */ user) => user.user).sort(), [
        alice.name,
        bob.name,
      ]);

      const said = await Promise.all(
        Array.from({ length: 20 }, (_, n) => {
          const [person, text] = n % 2 ? [alice, `alice ${n} 東京 🎉`] : [bob, `bob ${n}`];
          return person.ask('AddChat', { room, message: text });
        }),
      );
      for (const answer of said) assert.equal(answer.ok, true);
      const seqs = said.map((answer) => answer.seq).sort((a, b) => a - b);
      assert.deepEqual(
        seqs,
        Array.from({ length: 20 }, (_, n) => n + 1),
      );
      const onAlices = await alice.reads(20);
      assert.deepEqual(
        onAlices.map((chat) => chat.seq),
        seqs,
      );
      assert.deepEqual(await bob.reads(20), onAlices);
      const { chats } = await bob.ask('GetChat', { room });
      assert.deepEqual(chats, onAlices);

      const going = next(alice.socket, 'RemoveUser');
      bob.socket.disconnect();
      assert.deepEqual(await going, [{ ...bob.me, room }]);
    });

    test('is told what it may not do, and stays', async (t) => {
      const person = await Person.connect(t, mode, 'dave', 'chat-realtime-1');
      const { id } = person.socket;
      const refused = async (/** @type {string} */ event, /** @type {any} */ payload) => {
        const answer = await person.ask(event, payload);
        assert.equal(answer.ok, false);
        return answer.error.code;
      };
      const room = freshName('room');
      assert.equal(await refused('AddChat', { room, message: 'hello?' }), 'not_in_room');
      assert.equal(await refused('AddRoom', { name: '' }), 'invalid');
      assert.equal(await refused('NoSuchEvent', {}), 'invalid');
      assert.equal((await person.ask('AddRoom', { name: room })).ok, true);
      const message = 'x'.repeat(5000);
      assert.equal(await refused('AddChat', { room, message }), 'too_large');
      assert.equal(person.socket.id, id);
    });

    test('goes on at the other node when its own is killed, and misses nothing', async (t) => {
      const { room, alice, bob } = await twoPeople(t, mode);
      assert.equal((await bob.ask('AddChat', { room, message: 'before' })).seq, 1);
      await alice.reads(1);

      const lost = next(alice.socket, 'disconnect');
      const restarted = stack.restart('chat-realtime-1');
      await lost;
      assert.equal((await bob.ask('AddChat', { room, message: 'meanwhile' })).seq, 2);
      alice.prefer('chat-realtime-2');
      await until('alice is connected again', () => alice.socket.connected || undefined);
      await settled(alice.socket, mode);
      assert.equal((await alice.ask('AddRoom', { name: room })).ok, true);
      const { chats, gap } = await alice.ask('GetChat', { room, since: 1 });
      assert.equal(gap, false);
      assert.deepEqual(
        chats.map((/** @type {any} */ chat) => chat.message),
        ['meanwhile'],
      );
      assert.equal((await alice.ask('AddChat', { room, message: 'after' })).seq, 3);
      assert.deepEqual(
        (await bob.reads(3)).map((chat) => chat.message),
        ['before', 'meanwhile', 'after'],
      );
      await restarted;
    });
  });
}
