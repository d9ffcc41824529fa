import * as live from '../../state/liveList';
import type { LiveList } from '../../state/liveList';
import type { Chat, GetChatAck, User, UserInRoom } from '../../wire/events';
import type { Failure } from '../../wire/protocol';
import * as outboxes from './outbox';
import type { Outbox } from './outbox';
import * as timelines from './timeline';
import type { Timeline } from './timeline';

/** Everything about the room one is in. Changed by [`reduce`] alone. */
export interface RoomState {
  readonly name: string;
  /** The server knows that this connection is in the room. */
  readonly entered: boolean;
  readonly timeline: Timeline;
  readonly people: LiveList<User>;
  /** Who came or left last. */
  readonly presence: Presence | null;
  readonly outbox: Outbox;
  /** What is typed and not sent yet. */
  readonly draft: string;
  /** What is wrong with the draft; for people. */
  readonly draftError: string | null;
  /** The fetch of earlier messages. After a failed one, the next is the person's to ask for. */
  readonly older: 'idle' | 'loading' | 'failed';
}

export interface Presence {
  readonly user: User;
  readonly kind: 'came' | 'left';
}

export type RoomEvent =
  | { readonly kind: 'entered' }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'people-asked' }
  | { readonly kind: 'people'; readonly users: readonly User[] }
  | { readonly kind: 'user-added'; readonly user: UserInRoom }
  | { readonly kind: 'user-removed'; readonly user: UserInRoom }
  | { readonly kind: 'chat'; readonly chat: Chat }
  | { readonly kind: 'latest'; readonly page: GetChatAck }
  | { readonly kind: 'newer'; readonly page: GetChatAck }
  | { readonly kind: 'older-asked' }
  | { readonly kind: 'older'; readonly before: number; readonly page: GetChatAck }
  | { readonly kind: 'older-failed' }
  | { readonly kind: 'trimmed'; readonly keep: number }
  | { readonly kind: 'typed'; readonly draft: string }
  | { readonly kind: 'draft-refused'; readonly reason: string }
  | { readonly kind: 'written'; readonly id: string; readonly ts: number }
  | { readonly kind: 'sending'; readonly id: string }
  | { readonly kind: 'not-sent'; readonly id: string; readonly error: Failure }
  | { readonly kind: 'send-again'; readonly id: string };

/** A room about to be shown, with what was left unsent there before. */
export function opened(name: string, kept?: Pick<RoomState, 'outbox' | 'draft'>): RoomState {
  return {
    name,
    entered: false,
    timeline: timelines.EMPTY,
    people: live.UNKNOWN,
    presence: null,
    outbox: kept?.outbox ?? [],
    draft: kept?.draft ?? '',
    draftError: null,
    older: 'idle',
  };
}

export function reduce(room: RoomState, event: RoomEvent): RoomState {
  switch (event.kind) {
    case 'entered':
      return { ...room, entered: true, timeline: timelines.reconnected(room.timeline) };
    case 'disconnected':
      return {
        ...room,
        entered: false,
        older: 'idle',
        outbox: outboxes.interrupted(room.outbox),
      };
    case 'people-asked':
      return { ...room, people: live.asked(room.people) };
    case 'people':
      return { ...room, people: live.fetched(room.people, event.users) };
    case 'user-added':
      return { ...room, ...came(room, event.user) };
    case 'user-removed':
      return { ...room, ...left(room, event.user) };
    case 'chat':
      return {
        ...room,
        timeline: timelines.received(room.timeline, event.chat),
        outbox: outboxes.gone(room.outbox, event.chat.id),
      };
    case 'latest':
      return fetched(room, timelines.fetchedLatest(room.timeline, event.page));
    case 'newer':
      return fetched(room, timelines.fetchedNewer(room.timeline, event.page));
    case 'older-asked':
      return { ...room, older: 'loading' };
    case 'older':
      return {
        ...room,
        older: 'idle',
        timeline: timelines.fetchedOlder(room.timeline, event.before, event.page),
      };
    case 'older-failed':
      return { ...room, older: 'failed' };
    case 'trimmed':
      return { ...room, timeline: timelines.trimmed(room.timeline, event.keep) };
    case 'typed':
      return { ...room, draft: event.draft, draftError: null };
    case 'draft-refused':
      return { ...room, draftError: event.reason };
    case 'written':
      return {
        ...room,
        outbox: outboxes.queued(room.outbox, event.id, room.draft, event.ts),
        draft: '',
        draftError: null,
      };
    case 'sending':
      return { ...room, outbox: outboxes.sending(room.outbox, event.id) };
    case 'not-sent':
      return notSent(room, event.id, event.error);
    case 'send-again':
      return { ...room, outbox: outboxes.again(room.outbox, event.id) };
  }
}

/** One's own messages may come back by fetch before their acknowledgement does. */
function fetched(room: RoomState, timeline: Timeline): RoomState {
  if (room.outbox.length === 0) return { ...room, timeline };
  const stored = new Set(timelines.visible(timeline).map((chat) => chat.id));
  return { ...room, timeline, outbox: room.outbox.filter((message) => !stored.has(message.id)) };
}

function came(room: RoomState, { id, user, type }: UserInRoom): Partial<RoomState> {
  const person = { id, user, type };
  return {
    people: live.added(room.people, person),
    presence: live.has(room.people, id) ? room.presence : { user: person, kind: 'came' },
  };
}

function left(room: RoomState, { id, user, type }: UserInRoom): Partial<RoomState> {
  return {
    people: live.removed(room.people, id),
    presence: live.has(room.people, id)
      ? { user: { id, user, type }, kind: 'left' }
      : room.presence,
  };
}

/** What will be refused for ever goes back to its writer, above what they have typed since. */
function notSent(room: RoomState, id: string, error: Failure): RoomState {
  const message = room.outbox.find((other) => other.id === id);
  if (message === undefined) return room;
  if (error.code !== 'invalid' && error.code !== 'too_large') {
    return { ...room, outbox: outboxes.failed(room.outbox, id, error.message) };
  }
  return {
    ...room,
    outbox: outboxes.gone(room.outbox, id),
    draft: room.draft === '' ? message.message : `${message.message}\n${room.draft}`,
    draftError: error.message,
  };
}
