import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MODES, connected, settled } from './support/client.js';
import { EchoPair } from './support/echo-pair.js';
import { next } from './support/wait.js';

const echoes = await EchoPair.start();
after(() => echoes.stop());

for (const mode of MODES) {
  test(`${mode.name}: a node is killed, its client goes on at the other one`, async (t) => {
    const cookie = 'SERVERID=echo-1';
    const socket = await connected(t, echoes.url, mode, { extraHeaders: { cookie } });
    const other = await connected(t, echoes.url, mode, {
      extraHeaders: { cookie: 'SERVERID=echo-2' },
    });
    const ids = { killed: socket.id, other: other.id };

    const lost = next(socket, 'disconnect');
    await echoes.kill('echo-1');
    await lost;
    // Sent while there is no connection: the client keeps it for the next one.
    socket.emit('message', 'while away', Buffer.from('in binary'));
    assert.deepEqual(await next(socket, 'message-back'), ['while away', Buffer.from('in binary')]);
    await settled(socket, mode);
    assert.notEqual(socket.id, ids.killed);
    assert.equal(await other.timeout(15_000).emitWithAck('message-with-ack', 'there'), 'there');
    assert.equal(other.id, ids.other);
    await echoes.restart('echo-1');
  });
}
