import { describe, expect, it } from 'vitest';
import type { Chat, User } from '../../wire/events';
import { opened, reduce } from './room';
import type { RoomEvent, RoomState } from './room';

const alice: User = { id: 'u-a', user: 'alice', type: 'local' };
const bob: User = { id: 'u-b', user: 'bob', type: 'google' };
const hello: Chat = { id: 'm-1', seq: 1, room: 'lobby', message: 'hello', ts: 5, user: alice };

function after(...events: RoomEvent[]): RoomState {
  return events.reduce(reduce, opened('lobby'));
}

const written: RoomEvent[] = [
  { kind: 'typed', draft: 'hello' },
  { kind: 'written', id: 'm-1', ts: 4 },
];
const nothing = { ok: true, chats: [], gap: false, more: false } as const;

describe('a room', () => {
  it('shows a message as soon as it is written, and the field empty', () => {
    const room = after(...written);
    expect(room.outbox).toMatchObject([{ id: 'm-1', message: 'hello', state: 'queued' }]);
    expect(room.draft).toBe('');
  });

  it('has a message once, whether its push, its acknowledgement or a fetch comes first', () => {
    const start: RoomEvent[] = [...written, { kind: 'latest', page: nothing }];
    const push: RoomEvent = { kind: 'chat', chat: hello };
    const fetch: RoomEvent = { kind: 'newer', page: { ...nothing, chats: [hello] } };
    for (const way of [[push], [push, push], [fetch], [fetch, push], [push, fetch]]) {
      const room = after(...start, ...way);
      expect(room.outbox).toEqual([]);
      expect(room.timeline.chats).toEqual([hello]);
    }
  });

  it('gives back what is refused for ever, with the reason, above what has been typed since', () => {
    const refused: RoomEvent = {
      kind: 'not-sent',
      id: 'm-1',
      error: { code: 'too_large', message: 'Too long' },
    };
    const empty = after(...written, refused);
    expect(empty).toMatchObject({ outbox: [], draft: 'hello', draftError: 'Too long' });
    const typing = after(...written, { kind: 'typed', draft: 'more' }, refused);
    expect(typing.draft).toBe('hello\nmore');
    expect(reduce(typing, { kind: 'typed', draft: 'x' }).draftError).toBeNull();
  });

  it('keeps what is refused for a while', () => {
    for (const code of ['rate_limited', 'unavailable', 'timeout', 'not_in_room'] as const) {
      const error = { code, message: 'Later' };
      const room = after(...written, { kind: 'not-sent', id: 'm-1', error });
      expect(room.outbox).toMatchObject([{ id: 'm-1', state: 'queued', tries: 1 }]);
    }
  });

  it('tells who came and who left, each once', () => {
    const came: RoomEvent = { kind: 'user-added', user: { ...bob, room: 'lobby' } };
    const left: RoomEvent = { kind: 'user-removed', user: { ...bob, room: 'lobby' } };
    let room = after({ kind: 'people-asked' }, { kind: 'people', users: [alice] });
    expect(room.presence).toBeNull();
    room = reduce(room, came);
    expect(room.presence).toEqual({ user: bob, kind: 'came' });
    expect(room.people.items).toEqual([bob, alice]);
    const { presence } = room;
    room = reduce(room, came);
    expect(room.presence).toBe(presence);
    room = reduce(room, left);
    expect(room.presence).toEqual({ user: bob, kind: 'left' });
    expect(room.people.items).toEqual([alice]);
    expect(reduce(room, left).presence).toBe(room.presence);
  });

  it('asks for news after every entry but the first', () => {
    const first = after({ kind: 'entered' }, { kind: 'latest', page: nothing });
    expect(first.timeline.behind).toBe(false);
    const again = reduce(reduce(first, { kind: 'disconnected' }), { kind: 'entered' });
    expect(again.timeline.behind).toBe(true);
  });

  it('opens with what was left unsent', () => {
    const left = after(...written, { kind: 'typed', draft: 'half a' });
    expect(opened('lobby', left)).toMatchObject({ draft: 'half a', outbox: [{ id: 'm-1' }] });
  });
});
