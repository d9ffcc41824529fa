import { expect, it } from 'vitest';
import { backoff } from './backoff';

it('waits longer each time, up to ten seconds, never twice the same', () => {
  const longest = [0, 1, 2, 3, 4, 5, 50].map((tries) => backoff(tries, 1));
  expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect(backoff(2, 0)).toBe(1000);
  expect(backoff(2, 0.5)).toBe(1500);
});
