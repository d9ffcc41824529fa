import { describe, expect, it } from 'vitest';
import type { Chat } from '../../wire/events';
import {
  EMPTY,
  fetchedLatest,
  fetchedNewer,
  fetchedOlder,
  missing,
  received,
  reconnected,
  trimmed,
  visible,
} from './timeline';
import type { Timeline } from './timeline';

function chat(seq: number, id = `m-${seq}`): Chat {
  return {
    id,
    seq,
    room: 'lobby',
    message: `message ${seq}`,
    ts: seq * 1000,
    user: { id: 'u-1', user: 'alice', type: 'local' },
  };
}

/** Messages `first` to `last`. */
function chats(first: number, last: number): Chat[] {
  return Array.from({ length: last - first + 1 }, (_, i) => chat(first + i));
}

function page(first: number, last: number, { gap = false, more = false } = {}) {
  return { chats: chats(first, last), gap, more };
}

function loaded(first: number, last: number): Timeline {
  return fetchedLatest(EMPTY, page(first, last, { more: first > 1 }));
}

const seqs = (timeline: Timeline) => visible(timeline).map(({ seq }) => seq);

describe('a timeline', () => {
  it('begins by asking for the latest', () => {
    expect(missing(EMPTY)).toEqual({ kind: 'latest' });
    expect(missing(loaded(1, 3))).toBeNull();
    expect(missing(fetchedLatest(EMPTY, page(1, 0)))).toBeNull();
  });

  it('appends what follows and ignores what it has', () => {
    const timeline = received(loaded(1, 3), chat(4));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4]);
    expect(received(timeline, chat(4))).toBe(timeline);
    expect(received(timeline, chat(1))).toBe(timeline);
  });

  it('takes the first message of an empty room as it comes, and asks before a later one', () => {
    const empty = fetchedLatest(EMPTY, page(1, 0));
    expect(missing(received(empty, chat(1)))).toBeNull();
    expect(missing(received(empty, chat(7)))).toEqual({ kind: 'latest' });
  });

  it('keeps pushes that come before or during the first fetch', () => {
    const early = [6, 4, 5, 6].map((seq) => chat(seq)).reduce(received, EMPTY);
    const timeline = fetchedLatest(early, page(1, 5));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(missing(timeline)).toBeNull();
  });

  it('asks for what is missing before a push, and closes the hole with it', () => {
    let timeline = received(received(loaded(1, 3), chat(6)), chat(5));
    expect(missing(timeline)).toEqual({ kind: 'newer', since: 3, crossing: true });
    expect(seqs(timeline)).toEqual([1, 2, 3, 5, 6]);
    timeline = fetchedNewer(timeline, page(4, 6));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(missing(timeline)).toBeNull();
  });

  it('closes a hole also with a late push', () => {
    const timeline = received(received(loaded(1, 3), chat(5)), chat(4));
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5]);
    expect(missing(timeline)).toBeNull();
  });

  it('asks for news after a reconnection, and again while there are more', () => {
    let timeline = reconnected(loaded(1, 3));
    expect(missing(timeline)).toEqual({ kind: 'newer', since: 3, crossing: false });
    timeline = fetchedNewer(timeline, page(4, 5, { more: true }));
    expect(missing(timeline)).toEqual({ kind: 'newer', since: 5, crossing: false });
    timeline = fetchedNewer(timeline, page(6, 6));
    expect(missing(timeline)).toBeNull();
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(missing(reconnected(EMPTY))).toEqual({ kind: 'latest' });
    expect(missing(reconnected(fetchedLatest(EMPTY, page(1, 0))))).toEqual({ kind: 'latest' });
  });

  it('starts from what is left when some has been removed', () => {
    const timeline = fetchedNewer(reconnected(loaded(1, 3)), page(20, 22, { gap: true }));
    expect(seqs(timeline)).toEqual([20, 21, 22]);
    expect(timeline.hasOlder).toBe(false);
    expect(missing(timeline)).toBeNull();
  });

  it('is empty when all has been removed, and keeps what was pushed since', () => {
    const none = fetchedNewer(reconnected(loaded(1, 3)), page(1, 0, { gap: true }));
    expect(seqs(none)).toEqual([]);
    expect(missing(none)).toBeNull();
    const pushed = received(reconnected(loaded(1, 3)), chat(9));
    const timeline = fetchedNewer(pushed, page(1, 0, { gap: true }));
    expect(missing(timeline)).toEqual({ kind: 'latest' });
    expect(seqs(fetchedLatest(timeline, page(9, 9)))).toEqual([9]);
  });

  it('starts over when a room was removed and made again under its name', () => {
    const timeline = received(loaded(1, 3), chat(2, 'another'));
    expect(missing(timeline)).toEqual({ kind: 'latest' });
    expect(seqs(timeline)).toEqual([2]);
    expect(missing(received(loaded(50, 60), chat(1)))).toEqual({ kind: 'latest' });
    // An answer about the room before is of no use any more.
    expect(fetchedNewer(timeline, page(4, 5))).toBe(timeline);
  });

  it('puts earlier messages first, if they still fit', () => {
    const timeline = fetchedOlder(loaded(11, 13), 11, page(8, 10, { more: true }));
    expect(seqs(timeline)).toEqual([8, 9, 10, 11, 12, 13]);
    expect(timeline.hasOlder).toBe(true);
    expect(fetchedOlder(timeline, 11, page(8, 10))).toBe(timeline);
    expect(fetchedOlder(timeline, 8, page(1, 7)).hasOlder).toBe(false);
    expect(fetchedOlder(timeline, 8, page(1, 0, { more: true })).hasOlder).toBe(false);
  });

  it('forgets the earliest, and can have them back', () => {
    const timeline = trimmed(loaded(1, 9), 3);
    expect(seqs(timeline)).toEqual([7, 8, 9]);
    expect(timeline.hasOlder).toBe(true);
    expect(trimmed(timeline, 3)).toBe(timeline);
  });

  it('comes to the same whatever the order of arrival', () => {
    const random = generator(42);
    for (let round = 0; round < 200; round++) {
      // Every message twice, by whichever way, shuffled; the first page somewhere between them.
      const arrivals = [...chats(1, 8), ...chats(1, 8)]
        .map((one) => ({ one, at: random() }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one);
      const fetchAt = Math.floor(random() * arrivals.length);
      let timeline = EMPTY;
      let last = 0;
      arrivals.forEach((one, index) => {
        timeline = received(timeline, one);
        last = Math.max(last, one.seq);
        if (index === fetchAt) timeline = fetchedLatest(timeline, page(1, last));
      });
      expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(missing(timeline)).toBeNull();
    }
  });
});

/** Numbers from 0 to 1 that look random and are the same each run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
