/**
 * One's own messages that the server has not acknowledged, in the order they were written.
 *
 * They are sent one after the other, which keeps that order, and with their `id` every time, which makes sending
 * again safe.
 */
export type Outbox = readonly Outgoing[];

export interface Outgoing {
  readonly id: string;
  readonly message: string;
  /** When it was written, in milliseconds since the Unix epoch. */
  readonly ts: number;
  readonly state: 'queued' | 'sending' | 'failed';
  /** How often sending it came to nothing. */
  readonly tries: number;
  /** Why, the last time; for people. */
  readonly reason: string | null;
}

/** Sending stops to be automatic after so many tries, about half a minute. */
const MOST_TRIES = 6;

/** A message was written. */
export function queued(outbox: Outbox, id: string, message: string, ts: number): Outbox {
  return [...outbox, { id, message, ts, state: 'queued', tries: 0, reason: null }];
}

/** The message to send now; null while one is being sent or none is left. */
export function next(outbox: Outbox): Outgoing | null {
  if (outbox.some((message) => message.state === 'sending')) return null;
  return outbox.find((message) => message.state === 'queued') ?? null;
}

/** The message is on its way. */
export function sending(outbox: Outbox, id: string): Outbox {
  return changed(outbox, id, { state: 'sending' });
}

/** It was stored, or it goes back to its writer: either way it is no longer here. */
export function gone(outbox: Outbox, id: string): Outbox {
  return outbox.some((message) => message.id === id)
    ? outbox.filter((message) => message.id !== id)
    : outbox;
}

/** Sending it came to nothing, for a reason that may pass. */
export function failed(outbox: Outbox, id: string, reason: string): Outbox {
  return outbox.map((message) => {
    if (message.id !== id) return message;
    const tries = message.tries + 1;
    return { ...message, tries, reason, state: tries < MOST_TRIES ? 'queued' : 'failed' };
  });
}

/** The connection went away: what was on its way is sent again when it is back. */
export function interrupted(outbox: Outbox): Outbox {
  return outbox.map((message) =>
    message.state === 'sending' ? { ...message, state: 'queued' } : message,
  );
}

/** Its writer asks for one more round of tries. */
export function again(outbox: Outbox, id: string): Outbox {
  return changed(outbox, id, { state: 'queued', tries: 0, reason: null });
}

function changed(outbox: Outbox, id: string, change: Partial<Outgoing>): Outbox {
  return outbox.map((message) => (message.id === id ? { ...message, ...change } : message));
}
