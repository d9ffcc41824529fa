import { describe, expect, it } from 'vitest';
import { again, failed, gone, interrupted, next, queued, sending } from './outbox';
import type { Outbox } from './outbox';

const two = queued(queued([], 'a', 'first', 1), 'b', 'second', 2);

describe('an outbox', () => {
  it('sends one after the other, in the order they were written', () => {
    expect(next([])).toBeNull();
    expect(next(two)?.id).toBe('a');
    expect(next(sending(two, 'a'))).toBeNull();
    expect(next(gone(sending(two, 'a'), 'a'))?.id).toBe('b');
  });

  it('is the same when it never had the message', () => {
    expect(gone(two, 'c')).toBe(two);
  });

  it('tries again by itself for a while, in the same place, then leaves it to the writer', () => {
    let outbox: Outbox = two;
    for (let tries = 1; tries <= 5; tries++) {
      outbox = failed(sending(outbox, 'a'), 'a', 'Too fast');
      expect(next(outbox)).toMatchObject({ id: 'a', tries, reason: 'Too fast' });
    }
    outbox = failed(sending(outbox, 'a'), 'a', 'Too fast');
    expect(outbox[0]).toMatchObject({ state: 'failed', reason: 'Too fast' });
    expect(next(outbox)?.id).toBe('b');
    expect(next(again(outbox, 'a'))).toMatchObject({ id: 'a', tries: 0 });
  });

  it('sends again what a lost connection interrupted, and does not count it as a try', () => {
    expect(next(interrupted(sending(two, 'a')))).toMatchObject({ id: 'a', tries: 0 });
  });
});
