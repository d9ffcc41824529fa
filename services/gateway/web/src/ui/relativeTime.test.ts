import { expect, it } from 'vitest';
import { relativeTime } from './relativeTime';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

it.each([
  [-5 * MINUTE, 'just now'],
  [0, 'just now'],
  [59 * SECOND, 'just now'],
  [MINUTE, '1 minute ago'],
  [2 * MINUTE + 59 * SECOND, '2 minutes ago'],
  [HOUR, '1 hour ago'],
  [23 * HOUR + 59 * MINUTE, '23 hours ago'],
  [24 * HOUR, '1 day ago'],
  [72 * HOUR, '3 days ago'],
])('%d milliseconds is %s', (age, words) => {
  const now = 1_700_000_000_000;
  expect(relativeTime(now - age, now)).toBe(words);
});
