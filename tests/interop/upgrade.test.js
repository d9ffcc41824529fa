import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { UPGRADE, client, settled } from './support/client.js';
import { EchoPair } from './support/echo-pair.js';
import { next, until } from './support/wait.js';

/** Events that are under way at a time. */
const WINDOW = 8;
const AFTER_UPGRADE = 100;

// Pings fall into the upgrades too.
const echoes = await EchoPair.start('--ping-interval', '50', '--ping-timeout', '5000');
after(() => echoes.stop());

test('an upgrade in the midst of traffic loses, doubles and reorders nothing', async (t) => {
  let polled = 0;
  for (let round = 0; round < 5; round += 1) {
    const talks = Array.from({ length: 6 }, () => talkThroughUpgrade(t));
    for (const before of await Promise.all(talks)) polled += before;
  }
  assert.ok(polled > 30, `only ${polled} events were answered before the upgrades`);
});

/**
 * Sends as soon as it is answered, before, during and after the upgrade.
 * @param {import('node:test').TestContext} t
 * @returns how many events were answered before it
 */
async function talkThroughUpgrade(t) {
  const socket = client(t, echoes.url, UPGRADE);
  /** @type {string[]} */
  const got = [];
  let sent = 0;
  let last = Infinity;
  const send = () => {
    if (sent === last) return;
    const text = `${sent}`;
    const kind = sent % 4;
    sent += 1;
    if (kind === 0) socket.emit('message-with-ack', text, took);
    else if (kind === 1) socket.emit('message-with-ack', Buffer.from(text), took);
    else if (kind === 2) socket.emit('message', text);
    else socket.emit('message', Buffer.from(text));
  };
  /** @param {string | Buffer} answer */
  const took = (answer) => {
    got.push(answer.toString());
    send();
  };
  socket.on('message-back', took);
  await next(socket, 'connect');
  const disconnects = /** @type {string[]} */ ([]);
  socket.on('disconnect', (reason) => disconnects.push(reason));
  for (let n = 0; n < WINDOW; n += 1) send();
  await settled(socket, UPGRADE);
  const before = got.length;
  last = sent + AFTER_UPGRADE;
  await until(`${last} events are answered`, () => (got.length === last ? true : undefined));
  // What would come twice would have come before this.
  await socket.timeout(15_000).emitWithAck('message-with-ack', 'the end');
  assert.deepEqual(disconnects, []);
  assert.deepEqual(
    got,
    Array.from({ length: last }, (_, n) => `${n}`),
  );
  socket.off('disconnect');
  socket.disconnect();
  return before;
}
