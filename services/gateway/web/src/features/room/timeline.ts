import type { Chat, GetChatAck } from '../../wire/events';

/**
 * The stored messages of one room, as far as this client has them.
 *
 * Messages come by push, by fetch and by the acknowledgement of one's own, in any order and more than once. Their
 * `seq` counts up by one per room, so each is put in its place, once, and a hole shows as one.
 */
export interface Timeline {
  /** In order and without holes. */
  readonly chats: readonly Chat[];
  /** In order, all later than `chats`, from which a hole parts them. */
  readonly ahead: readonly Chat[];
  /** The last page has been fetched, so that `chats` reaches to what is new. */
  readonly loaded: boolean;
  /** There may be earlier messages than these. */
  readonly hasOlder: boolean;
  /** There may be later messages that no push will bring: ask. */
  readonly behind: boolean;
}

type Page = Pick<GetChatAck, 'chats' | 'gap' | 'more'>;

/** What has to be fetched. */
export type Missing =
  | { readonly kind: 'latest' }
  /** `crossing`: the missing one may just be on its way. */
  | { readonly kind: 'newer'; readonly since: number; readonly crossing: boolean };

/** A room of which nothing is known. */
export const EMPTY: Timeline = {
  chats: [],
  ahead: [],
  loaded: false,
  hasOlder: false,
  behind: false,
};

/** All messages there are to show, in order. */
export function visible(timeline: Timeline): readonly Chat[] {
  return timeline.ahead.length === 0 ? timeline.chats : [...timeline.chats, ...timeline.ahead];
}

/** What to fetch next, if anything. */
export function missing({ chats, ahead, loaded, behind }: Timeline): Missing | null {
  const last = chats.at(-1);
  if (!loaded) return { kind: 'latest' };
  if (last === undefined) return ahead.length > 0 || behind ? { kind: 'latest' } : null;
  if (behind) return { kind: 'newer', since: last.seq, crossing: false };
  return ahead.length > 0 ? { kind: 'newer', since: last.seq, crossing: true } : null;
}

/** The connection was away: there may be news. */
export function reconnected(timeline: Timeline): Timeline {
  return { ...timeline, behind: timeline.loaded };
}

/** A message came by push or acknowledgement. */
export function received(timeline: Timeline, chat: Chat): Timeline {
  const last = timeline.chats.at(-1);
  if (last === undefined) {
    // The first message of a room needs no look at what was before it.
    return timeline.loaded && chat.seq === 1
      ? joined(timeline, [chat])
      : { ...timeline, ahead: inserted(timeline.ahead, chat) };
  }
  if (chat.seq === last.seq + 1) return joined(timeline, [...timeline.chats, chat]);
  if (chat.seq > last.seq) return { ...timeline, ahead: inserted(timeline.ahead, chat) };
  if (timeline.chats.findLast((other) => other.seq === chat.seq)?.id === chat.id) return timeline;
  // A new message in an old place: the room was removed and made again, and all we have is of the one before.
  return { ...EMPTY, ahead: [chat] };
}

/** The last messages of the room came, asked for without `since`. */
export function fetchedLatest(timeline: Timeline, page: Page): Timeline {
  return joined({ ...timeline, loaded: true, hasOlder: page.more, behind: false }, page.chats);
}

/** What follows the last message came. */
export function fetchedNewer(timeline: Timeline, page: Page): Timeline {
  if (!timeline.loaded) return timeline;
  if (page.gap) {
    return joined({ ...timeline, hasOlder: false, behind: page.more }, page.chats);
  }
  return page.chats.reduce(received, { ...timeline, behind: page.more });
}

/** What precedes message `before` came. */
export function fetchedOlder(timeline: Timeline, before: number, page: Page): Timeline {
  if (timeline.chats[0]?.seq !== before) return timeline;
  return {
    ...timeline,
    chats: [...page.chats.filter((chat) => chat.seq < before), ...timeline.chats],
    hasOlder: page.more && page.chats.length > 0,
  };
}

/** Forgets all but the last `keep`, so that a room left open for days does not fill the memory. */
export function trimmed(timeline: Timeline, keep: number): Timeline {
  return timeline.chats.length <= keep
    ? timeline
    : { ...timeline, chats: timeline.chats.slice(-keep), hasOlder: true };
}

/** These in place of `chats`, and after them all of `ahead` that now follows without a hole. */
function joined(timeline: Timeline, chats: readonly Chat[]): Timeline {
  if (timeline.ahead.length === 0) return { ...timeline, chats };
  const all = [...chats];
  const ahead: Chat[] = [];
  for (const chat of timeline.ahead) {
    const last = all.at(-1);
    if (last !== undefined && chat.seq === last.seq + 1) all.push(chat);
    else if (last === undefined || chat.seq > last.seq) ahead.push(chat);
  }
  return { ...timeline, chats: all, ahead };
}

function inserted(chats: readonly Chat[], chat: Chat): readonly Chat[] {
  if (chats.some((other) => other.seq === chat.seq)) return chats;
  return [...chats, chat].sort((a, b) => a.seq - b.seq);
}
