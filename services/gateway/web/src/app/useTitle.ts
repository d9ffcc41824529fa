import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { RoomState } from '../features/room/room';
import { visible } from '../features/room/timeline';
import type { User } from '../wire/events';

/** The title of the page: the room, and while nobody looks, how much has been said in it. */
export function useTitle(room: RoomState | null, me: User | null): void {
  const hidden = useSyncExternalStore(onVisibilityChange, () => document.hidden);
  const seen = useRef(0);
  const name = room?.name ?? null;
  const timeline = room?.timeline ?? null;
  useEffect(() => {
    const chats = timeline === null ? [] : visible(timeline);
    if (!hidden) seen.current = chats.at(-1)?.seq ?? 0;
    const unread = chats.filter((chat) => chat.seq > seen.current && chat.user.id !== me?.id);
    document.title = titleOf(name, unread.length);
  }, [hidden, name, timeline, me]);
}

function titleOf(room: string | null, unread: number): string {
  const place = room === null ? 'PacktChat' : `${room} · PacktChat`;
  return unread === 0 ? place : `(${unread}) ${place}`;
}

function onVisibilityChange(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => {
    document.removeEventListener('visibilitychange', listener);
  };
}
