const UNITS = [
  { unit: 'day', seconds: 86_400 },
  { unit: 'hour', seconds: 3_600 },
  { unit: 'minute', seconds: 60 },
] as const;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

/**
 * "2 minutes ago". Times are in milliseconds since the Unix epoch. A time that has not come yet is "just now": the
 * server's clock may be ahead of ours.
 */
export function relativeTime(ts: number, now: number): string {
  const seconds = (now - ts) / 1000;
  for (const { unit, seconds: size } of UNITS) {
    if (seconds >= size) return relative.format(-Math.floor(seconds / size), unit);
  }
  return 'just now';
}

/** Date and time in full, as the reader's own language has it. */
export function absoluteTime(ts: number): string {
  return absolute.format(ts);
}
