import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Member } from './member.js';
import { verify } from './verify.js';

/** @typedef {{ seq: number, id: string }} Stored */

/**
 * Somebody who wrote these and was sent those.
 * @param {{ posts: Stored[], pushes: Stored[] }} options
 */
function person({ posts, pushes }) {
  const member = new Member();
  for (const chat of pushes) member.push(chat);
  return {
    name: 'alice',
    member,
    posts: posts.map((post, index) => ({ ...post, number: index + 1, at: 0 })),
    acknowledged: posts.length,
    stranded: undefined,
  };
}

/** @param {string} ids in the order they are stored */
function stored(ids) {
  return Array.from(ids, (id, index) => ({ id, seq: index + 1 }));
}

/**
 * The counts of a room where `chats` are stored.
 * @param {ReturnType<typeof person>} who
 * @param {Stored[]} chats
 */
function counts(who, chats) {
  const { lost, doubled, outOfOrder, unacknowledged } = verify('room', [who], {
    chats,
    gap: false,
  });
  return { lost, doubled, outOfOrder, unacknowledged };
}

const NONE = { lost: 0, doubled: 0, outOfOrder: 0, unacknowledged: 0 };

test('nothing is wrong where everybody has everything', () => {
  assert.deepEqual(
    counts(person({ posts: stored('abc'), pushes: stored('abc') }), stored('abc')),
    NONE,
  );
});

test('a message that was acknowledged and is not stored is lost', () => {
  const who = person({ posts: stored('abc'), pushes: stored('ab') });
  assert.deepEqual(counts(who, stored('ab')), { ...NONE, lost: 1 });
});

test('a message that a member never got is lost', () => {
  const who = person({ posts: stored('abc'), pushes: stored('ab') });
  assert.deepEqual(counts(who, stored('abc')), { ...NONE, lost: 1 });
});

test('a message that was read and is not stored is lost', () => {
  const who = person({ posts: stored('ab'), pushes: stored('abc') });
  assert.deepEqual(counts(who, stored('ab')), { ...NONE, lost: 1 });
});

test('a message that is stored twice, or sent twice, is doubled', () => {
  const twiceStored = person({ posts: stored('ab'), pushes: stored('aba') });
  assert.deepEqual(counts(twiceStored, stored('aba')), { ...NONE, doubled: 1 });
  const twiceSent = person({
    posts: stored('ab'),
    pushes: [...stored('ab'), { seq: 2, id: 'b' }],
  });
  assert.deepEqual(counts(twiceSent, stored('ab')), { ...NONE, doubled: 1 });
});

test('messages in another order than they were written are out of order', () => {
  const [a, b] = [
    { id: 'a', seq: 2 },
    { id: 'b', seq: 1 },
  ];
  const who = person({ posts: [a, b], pushes: [b, a] });
  assert.deepEqual(counts(who, [b, a]), { ...NONE, outOfOrder: 1 });
});

test('messages that a member gets in another order than they are stored are out of order', () => {
  const pushes = [
    { id: 'b', seq: 2 },
    { id: 'a', seq: 1 },
  ];
  const who = person({ posts: stored('ab'), pushes });
  assert.deepEqual(counts(who, stored('ab')), { ...NONE, outOfOrder: 1 });
});

test('a message at another place than the acknowledged one is out of order', () => {
  const who = person({ posts: [{ id: 'b', seq: 1 }], pushes: stored('ab') });
  assert.deepEqual(counts(who, stored('ab')), { ...NONE, outOfOrder: 1 });
});

test('a message without an acknowledgement is told', () => {
  const who = { ...person({ posts: stored('ab'), pushes: stored('a') }), acknowledged: 1 };
  assert.deepEqual(counts(who, stored('a')), { ...NONE, unacknowledged: 1 });
});

test('what a fetch brings as well as a push is not doubled, and closes a hole', () => {
  const member = new Member();
  member.push({ seq: 1, id: 'a' });
  member.push({ seq: 3, id: 'c' });
  assert.equal(member.hasHole, true);
  for (const chat of stored('abc').slice(1)) member.fetched(chat);
  assert.equal(member.hasHole, false);
  assert.equal(member.whole, 3);
  assert.equal(member.doubled + member.outOfOrder, 0);
});

test('a new connection may bring a push that is earlier than the last one before it', () => {
  const member = new Member();
  member.push({ seq: 2, id: 'b' });
  member.connected();
  member.push({ seq: 1, id: 'a' });
  assert.equal(member.outOfOrder, 0);
});
