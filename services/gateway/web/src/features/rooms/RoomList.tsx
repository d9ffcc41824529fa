import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { Room } from '../../wire/events';
import { CreateRoom } from './CreateRoom';
import type { EntryError } from './CreateRoom';
import { matching } from './filter';

interface RoomListProps {
  /** Most recently active first; null until they are known. */
  rooms: readonly Room[] | null;
  /** The room one is in. */
  current: string | null;
  /** The room being entered. */
  entering: string | null;
  error: EntryError | null;
  hrefOf: (room: string) => string;
  onCreate: (name: string) => void;
}

export const RoomList = memo(function RoomList({
  rooms,
  current,
  entering,
  error,
  hrefOf,
  onCreate,
}: RoomListProps) {
  const [typed, setTyped] = useState('');
  const shown = useMemo(() => rooms && matching(rooms, typed), [rooms, typed]);
  const Title = current === null ? 'h1' : 'h2';
  const title = useFocusAfterLeaving(current);
  return (
    <section className="rooms" aria-labelledby="rooms-title">
      <Title ref={title} id="rooms-title" className="rooms-title" tabIndex={-1}>
        Rooms
      </Title>
      {rooms !== null && rooms.length > 0 && (
        <input
          type="search"
          className="rooms-filter"
          aria-label="Find a room"
          placeholder="Find a room"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
          }}
        />
      )}
      <div className="rooms-scroll">
        <ul className="rooms-list" aria-label="Rooms">
          {shown?.map((room) => (
            <li key={room.id}>
              <a
                className="rooms-link"
                href={hrefOf(room.name)}
                aria-current={room.name === current ? 'page' : undefined}
                aria-busy={room.name === entering}
              >
                <span className="rooms-name" dir="auto">
                  {room.name}
                </span>
              </a>
            </li>
          ))}
        </ul>
        <p className="rooms-note" role="status">
          {noteFor(rooms, shown, typed)}
        </p>
      </div>
      <CreateRoom error={error} busy={entering !== null} onCreate={onCreate} />
    </section>
  );
});

function noteFor(
  rooms: readonly Room[] | null,
  shown: readonly Room[] | null,
  typed: string,
): string | null {
  if (rooms === null || shown === null) return 'Loading rooms…';
  if (rooms.length === 0) return 'No rooms yet. Create the first one.';
  return shown.length === 0 ? `No room matches “${typed.trim()}”.` : null;
}

/** Leaving a room takes the focused element away: the keyboard goes on at the list. */
function useFocusAfterLeaving(current: string | null) {
  const title = useRef<HTMLHeadingElement>(null);
  const before = useRef(current);
  useEffect(() => {
    if (before.current !== null && current === null) title.current?.focus();
    before.current = current;
  }, [current]);
  return title;
}
