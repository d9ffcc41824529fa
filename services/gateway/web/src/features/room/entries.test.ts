import { describe, expect, it } from 'vitest';
import type { Chat, User } from '../../wire/events';
import { entries } from './entries';
import { queued } from './outbox';
import { EMPTY, fetchedLatest } from './timeline';

const alice: User = { id: 'u-a', user: 'alice', type: 'local' };
const bob: User = { id: 'u-b', user: 'bob', type: 'local' };
const MINUTE = 60_000;

function timeline(...said: [User, number][]) {
  const chats = said.map(([user, minute], i): Chat => ({
    id: `m-${i + 1}`,
    seq: i + 1,
    room: 'lobby',
    message: 'text',
    ts: minute * MINUTE,
    user,
  }));
  return fetchedLatest(EMPTY, { chats, gap: false, more: false });
}

describe('the messages shown', () => {
  it('are grouped by person while they follow closely', () => {
    const shown = entries(timeline([bob, 0], [bob, 4], [alice, 4], [bob, 4], [bob, 9]), [], alice);
    expect(shown.map(({ follows }) => follows)).toEqual([false, true, false, false, false]);
    expect(shown.map(({ mine }) => mine)).toEqual([false, false, true, false, false]);
  });

  it('end with what is not stored yet', () => {
    const outbox = queued([], 'x', 'unsent', 5 * MINUTE);
    const shown = entries(timeline([bob, 0], [alice, 4]), outbox, alice);
    expect(shown.map(({ id, seq }) => [id, seq])).toEqual([
      ['m-1', 1],
      ['m-2', 2],
      ['x', null],
    ]);
    expect(shown[2]).toMatchObject({ mine: true, follows: true, outgoing: { state: 'queued' } });
  });
});
