/** Milliseconds. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 10_000;

/**
 * How long to wait before trying again after `tries` failures, in milliseconds: longer each time, and never the
 * same for two clients, so that they do not all come back to a restarted server at once.
 */
export function backoff(tries: number, random: number = Math.random()): number {
  const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** tries);
  return delay * (0.5 + random / 2);
}
