/** Milliseconds after which what should have happened has not. */
export const PATIENCE_MS = 20_000;

/**
 * Waits until `condition` gives something, and says what it waited for when it does not.
 * @template T
 * @param {string} what
 * @param {() => T | undefined | Promise<T | undefined>} condition
 * @param {number} [deadlineMs]
 * @returns {Promise<T>}
 */
export async function until(what, condition, deadlineMs = PATIENCE_MS) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

/**
 * The arguments of the next event of that name.
 * @param {{ on(event: any, handler: (...args: any[]) => void): unknown, off(event: any, handler: (...args: any[]) => void): unknown }} emitter
 * @param {string} event
 * @param {number} [deadlineMs]
 * @returns {Promise<any[]>}
 */
export function next(emitter, event, deadlineMs = PATIENCE_MS) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      emitter.off(event, handler);
      reject(new Error(`no "${event}" within ${deadlineMs} ms`));
    }, deadlineMs);
    /** @param {any[]} args */
    function handler(...args) {
      clearTimeout(timer);
      emitter.off(event, handler);
      resolve(args);
    }
    emitter.on(event, handler);
  });
}
