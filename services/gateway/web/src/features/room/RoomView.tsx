import { useId, useState } from 'react';
import type { User } from '../../wire/events';
import { Composer } from './Composer';
import { MessageList } from './MessageList';
import { People } from './People';
import { PresenceNote } from './PresenceNote';
import type { RoomState } from './room';

interface RoomViewProps {
  room: RoomState;
  me: User | null;
  /** Where the list of rooms is. */
  listHref: string;
  /** Most characters a message may have. */
  messageChars: number;
  onType: (draft: string) => void;
  onSend: () => boolean;
  onSendAgain: (id: string) => void;
  onLoadOlder: () => void;
  onTrim: (keep: number) => void;
}

export function RoomView({ room, me, listHref, messageChars, ...on }: RoomViewProps) {
  const id = useId();
  const [peopleOpen, setPeopleOpen] = useState(false);
  const people = room.people.items;
  return (
    <section
      className="room"
      aria-labelledby={`${id}-title`}
      onKeyDown={(event) => {
        if (event.key === 'Escape') setPeopleOpen(false);
      }}
    >
      <header className="room-header">
        <a className="room-leave" href={listHref}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M10 3 5 8l5 5" />
          </svg>
          Leave<span className="visually-hidden"> room</span>
        </a>
        <h1 id={`${id}-title`} className="room-title" dir="auto">
          {room.name}
        </h1>
        <button
          type="button"
          className="button button--quiet people-button"
          aria-expanded={peopleOpen}
          aria-controls={`${id}-people`}
          onClick={() => {
            setPeopleOpen(!peopleOpen);
          }}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <circle cx="8" cy="5" r="2.75" />
            <path d="M2.75 14a5.25 5.25 0 0 1 10.5 0" />
          </svg>
          <span className="count">{people?.length ?? '…'}</span>
          <span className="visually-hidden">people in this room</span>
        </button>
      </header>
      <div className="room-talk">
        <MessageList
          name={room.name}
          timeline={room.timeline}
          outbox={room.outbox}
          older={room.older}
          me={me}
          onLoadOlder={on.onLoadOlder}
          onSendAgain={on.onSendAgain}
          onTrim={on.onTrim}
        />
        <PresenceNote presence={room.presence} />
        <Composer
          room={room.name}
          draft={room.draft}
          error={room.draftError}
          limit={messageChars}
          onType={on.onType}
          onSend={on.onSend}
        />
      </div>
      <People id={`${id}-people`} people={people} me={me} open={peopleOpen} />
    </section>
  );
}
