/**
 * A fresh message id. `crypto.randomUUID` would do, but browsers have it only behind HTTPS, and a PacktChat in a
 * private network may do without.
 */
export function messageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
