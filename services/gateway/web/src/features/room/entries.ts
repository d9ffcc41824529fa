import type { User } from '../../wire/events';
import type { Outbox, Outgoing } from './outbox';
import { visible } from './timeline';
import type { Timeline } from './timeline';

/** A message as shown: stored, or one's own on its way. */
export interface Entry {
  readonly id: string;
  /** Null while it is not stored. */
  readonly seq: number | null;
  readonly user: User;
  readonly message: string;
  readonly ts: number;
  readonly mine: boolean;
  /** Follows a message of the same person so closely that one name and picture do for both. */
  readonly follows: boolean;
  /** What keeps it from being stored. */
  readonly outgoing: Outgoing | null;
}

/** Milliseconds. Later than this after one's last message, the next one starts anew. */
const CLOSELY = 5 * 60_000;

/** Every message to show, in order, the unsent last. */
export function entries(timeline: Timeline, outbox: Outbox, me: User | null): readonly Entry[] {
  const stored = visible(timeline).map((chat) => ({
    ...chat,
    mine: chat.user.id === me?.id,
    outgoing: null,
  }));
  const unsent =
    me === null
      ? []
      : outbox.map((outgoing) => ({ ...outgoing, seq: null, user: me, mine: true, outgoing }));
  return [...stored, ...unsent].map((entry, index, all) => {
    const { id, seq, user, message, ts, mine, outgoing } = entry;
    const before = all[index - 1];
    const follows = before?.user.id === user.id && ts - before.ts < CLOSELY;
    return { id, seq, user, message, ts, mine, follows, outgoing };
  });
}
