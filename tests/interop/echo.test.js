import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { MODES, client, connected, settled } from './support/client.js';
import { EchoPair } from './support/echo-pair.js';
import { next, until } from './support/wait.js';

const echoes = await EchoPair.start(
  ...['--ping-interval', '300', '--ping-timeout', '5000', '--ack-timeout', '10000'],
);
after(() => echoes.stop());

const JSON_ARGS = [
  1,
  -2.5,
  'two',
  '',
  true,
  null,
  [],
  { deep: [{ er: 'größer 東京 🎉 \u0000 "' }] },
];

for (const mode of MODES) {
  describe(mode.name, () => {
    test('connects with a payload, which the server reads', async (t) => {
      const auth = { token: 'abc', nested: { list: [1, 2, 3] } };
      const socket = client(t, echoes.url, mode, { auth });
      assert.deepEqual(await next(socket, 'auth'), [auth]);
      assert.equal(typeof socket.id, 'string');
      await settled(socket, mode);
    });

    test('gets back an event with its arguments', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      socket.emit('message', ...JSON_ARGS);
      assert.deepEqual(await next(socket, 'message-back'), JSON_ARGS);
      socket.emit('message');
      assert.deepEqual(await next(socket, 'message-back'), []);
    });

    test('gets an event acknowledged with arguments', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      /** @type {any[]} */
      const answer = await new Promise((resolve) =>
        socket.emit('message-with-ack', ...JSON_ARGS, (/** @type {any[]} */ ...args) =>
          resolve(args),
        ),
      );
      assert.deepEqual(answer, JSON_ARGS);
    });

    test('gets the acknowledgement of each of many events under way', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      const asked = Array.from({ length: 100 }, (_, n) => `question ${n}`);
      const answers = await Promise.all(
        asked.map((question) => socket.timeout(15_000).emitWithAck('message-with-ack', question)),
      );
      assert.deepEqual(answers, asked);
    });

    test('sends and gets binary, anywhere in the arguments', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      const [small, large, empty] = [
        Buffer.from([0, 1, 254, 255]),
        randomBytes(50_000),
        Buffer.of(),
      ];
      socket.emit('message', small, 'text', { in: [large, { it: empty }] }, empty, small);
      const back = await next(socket, 'message-back');
      assert.deepEqual(back, [small, 'text', { in: [large, { it: empty }] }, empty, small]);
    });

    test('gets binary in an acknowledgement', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      const bytes = randomBytes(1000);
      const sent = { name: 'a file', bytes, copies: [bytes, new Uint8Array([7])] };
      const answer = await socket.timeout(15_000).emitWithAck('message-with-ack', sent);
      assert.deepEqual(answer, { name: 'a file', bytes, copies: [bytes, Buffer.of(7)] });
    });

    test('gets a burst back, text and binary, in its order and nothing else', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      const burst = Array.from({ length: 300 }, (_, n) => (n % 3 ? n : Buffer.from(`${n}`)));
      /** @type {unknown[]} */
      const got = [];
      socket.on('message-back', (arg) => got.push(arg));
      for (const arg of burst) socket.emit('message', arg);
      // Events of one socket are handled one after another, so that this answer is the last.
      await socket.timeout(15_000).emitWithAck('message-with-ack', 'the end');
      assert.deepEqual(got, burst);
    });

    test('uses two namespaces over one connection, and leaves one of them', async (t) => {
      const main = await connected(t, echoes.url, mode);
      const custom = main.io.socket('/custom', { auth: { to: 'custom' } });
      assert.deepEqual(await next(custom, 'auth'), [{ to: 'custom' }]);
      assert.notEqual(custom.id, main.id);

      custom.on('message-back', () => assert.fail('the answer is for the other namespace'));
      main.emit('message', 'to main');
      assert.deepEqual(await next(main, 'message-back'), ['to main']);
      custom.off('message-back');
      custom.emit('message', Buffer.from('to custom'));
      assert.deepEqual(await next(custom, 'message-back'), [Buffer.from('to custom')]);

      custom.disconnect();
      assert.equal(await main.timeout(15_000).emitWithAck('message-with-ack', 'still'), 'still');
      custom.connect();
      assert.deepEqual(await next(custom, 'auth'), [{ to: 'custom' }]);
    });

    test('is told that there is no such namespace, and is not connected', async (t) => {
      const socket = client(t, `${echoes.url}/nowhere`, mode);
      const [error] = await next(socket, 'connect_error');
      assert.equal(error.message, 'Invalid namespace');
      assert.equal(socket.connected, false);
    });

    test('is refused by the namespace, which says why and with what data', async (t) => {
      const socket = client(t, `${echoes.url}/custom`, mode, { auth: { refuse: true } });
      const [error] = await next(socket, 'connect_error');
      assert.equal(error.message, 'refused');
      assert.deepEqual(error.data, { you: 'asked for it' });
      assert.equal(socket.connected, false);
      // The same connection is still good for what is allowed.
      socket.auth = { refuse: false };
      socket.connect();
      assert.deepEqual(await next(socket, 'auth'), [{ refuse: false }]);
    });

    test('is asked by the server, and its acknowledgement arrives, binary included', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      socket.on('question', (...args) => args.pop()(...args.reverse()));
      const bytes = randomBytes(300);
      socket.emit('ask', 'text', { bytes }, bytes, 4);
      assert.deepEqual(await next(socket, 'answer'), [4, bytes, { bytes }, 'text']);
      socket.emit('ask');
      assert.deepEqual(await next(socket, 'answer'), []);
    });

    test('stays through pings', async (t) => {
      const socket = await connected(t, echoes.url, mode);
      const id = socket.id;
      for (let pings = 0; pings < 4; pings += 1) await next(socket.io, 'ping');
      assert.equal(await socket.timeout(15_000).emitWithAck('message-with-ack', 'alive'), 'alive');
      assert.equal(socket.id, id);
    });

    test('disconnects, and the server has forgotten its session', async (t) => {
      const cookie = 'SERVERID=echo-2';
      const socket = await connected(t, echoes.url, mode, { extraHeaders: { cookie } });
      const { id: sid } = socket.io.engine;
      assert.equal(await socket.timeout(15_000).emitWithAck('message-with-ack', 'hello'), 'hello');
      const closed = next(socket.io.engine, 'close');
      const left = next(socket, 'disconnect');
      socket.disconnect();
      assert.equal((await left)[0], 'io client disconnect');
      await closed;
      await forgotten(sid, cookie);
      socket.connect();
      await next(socket, 'connect');
      assert.notEqual(socket.io.engine.id, sid);
    });

    test('is closed by a message over the limit, alone, and comes back', async (t) => {
      const cookie = 'SERVERID=echo-1';
      const socket = await connected(t, echoes.url, mode, { extraHeaders: { cookie } });
      const other = await connected(t, echoes.url, mode, { extraHeaders: { cookie } });
      const { id } = other;
      const lost = next(socket, 'disconnect');
      socket.emit('message', 'x'.repeat(200_000));
      await lost;
      await next(socket, 'connect');
      socket.emit('message', 'again');
      assert.deepEqual(await next(socket, 'message-back'), ['again']);
      assert.equal(await other.timeout(15_000).emitWithAck('message-with-ack', 'there'), 'there');
      assert.equal(other.id, id);
    });
  });
}

test('are asked by the server and keep silent: the server waits no longer than it says', async (t) => {
  await Promise.all(MODES.map((mode) => keepsSilent(t, mode)));
});

/**
 * @param {import('node:test').TestContext} t
 * @param {(typeof MODES)[number]} mode
 */
async function keepsSilent(t, mode) {
  const socket = await connected(t, echoes.url, mode);
  /** @type {((answer: string) => void)[]} */
  const late = [];
  socket.on('question', (_, acknowledge) => late.push(acknowledge));
  socket.on('answer', () => assert.fail('nothing was answered in time'));
  socket.emit('ask', 'are you there?');
  const [reason] = await next(socket, 'no-answer');
  assert.match(reason, /time/i);
  // Too late: it changes nothing.
  late.forEach((acknowledge) => acknowledge('yes'));
  assert.equal(await socket.timeout(15_000).emitWithAck('message-with-ack', 'on'), 'on');
}

/**
 * Waits until the server has heard of the end of a session.
 * @param {string | undefined} sid
 * @param {string} cookie
 */
async function forgotten(sid, cookie) {
  const url = `${echoes.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
  await until(`session ${sid} is forgotten`, async () => {
    const answer = await fetch(url, { headers: { cookie } });
    const text = await answer.text();
    const unknown = '{"code":1,"message":"Session ID unknown"}';
    return answer.status === 400 && text === unknown ? true : undefined;
  });
}

test('clients are spread over both nodes, and each stays at its own', async (t) => {
  const handshakes = await Promise.all(
    Array.from({ length: 4 }, () => fetch(`${echoes.url}/socket.io/?EIO=4&transport=polling`)),
  );
  const nodes = handshakes.map((answer) => answer.headers.get('set-cookie')?.split(';')[0]);
  assert.deepEqual([...new Set(nodes)].sort(), ['SERVERID=echo-1', 'SERVERID=echo-2']);
  // Polls of one session at both nodes would end it, so these have stayed.
  const polling = MODES.filter((mode) => mode.transports.includes('polling'));
  for (const mode of [...polling, ...polling]) {
    const socket = await connected(t, echoes.url, mode);
    assert.equal(await socket.timeout(15_000).emitWithAck('message-with-ack', 'here'), 'here');
  }
});
