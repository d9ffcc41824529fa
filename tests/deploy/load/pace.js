/** Milliseconds between two looks at the clock. */
const TICK_MS = 20;

/**
 * Calls `act` so many times a second until it is stopped, evenly, and as often as it was due when the process was held up.
 * @param {number} perSecond
 * @param {() => void} act
 * @returns {() => void} stops it
 */
export function pace(perSecond, act) {
  const begun = Date.now();
  let done = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - begun) / 1000) * perSecond);
    for (; done < due; done += 1) act();
  }, TICK_MS);
  return () => clearInterval(timer);
}

/**
 * Waits for a condition.
 * @param {() => boolean} condition
 * @param {number} deadlineMs
 * @returns {Promise<boolean>} whether it came true in time
 */
export async function until(condition, deadlineMs) {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) return false;
    await new Promise((wake) => setTimeout(wake, TICK_MS));
  }
  return true;
}
