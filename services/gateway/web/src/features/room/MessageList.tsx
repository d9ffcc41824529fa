import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { User } from '../../wire/events';
import { entries } from './entries';
import { Message } from './Message';
import type { RoomState } from './room';
import { useScroll } from './useScroll';

/** With more messages than this on the page, the earliest are let go of while nobody looks at them. */
const MOST = 1000;
const KEEP = 500;
/** Milliseconds a screen reader may take to notice a change. */
const NOTICE = 1000;

interface MessageListProps {
  name: string;
  timeline: RoomState['timeline'];
  outbox: RoomState['outbox'];
  older: RoomState['older'];
  me: User | null;
  onLoadOlder: () => void;
  onSendAgain: (id: string) => void;
  onTrim: (keep: number) => void;
}

export const MessageList = memo(function MessageList({
  name,
  timeline,
  outbox,
  older,
  me,
  onLoadOlder,
  onSendAgain,
  onTrim,
}: MessageListProps) {
  const messages = useMemo(() => entries(timeline, outbox, me), [timeline, outbox, me]);
  const { box, list, atEnd, toEnd } = useScroll(messages);
  const { chats, loaded, hasOlder } = timeline;

  // Whoever writes wants to see it.
  const written = outbox.at(-1)?.id;
  useLayoutEffect(() => {
    if (written !== undefined) toEnd();
  }, [written, toEnd]);

  const last = chats.at(-1)?.seq ?? 0;
  const [read, setRead] = useState(last);
  if (atEnd && read !== last) setRead(last);

  const tooMany = atEnd && chats.length > MOST;
  useEffect(() => {
    if (tooMany) onTrim(KEEP);
  }, [tooMany, onTrim]);

  // The past is read by whoever asked for it, not read out as news.
  const quiet = useLingering(!loaded || older === 'loading', NOTICE);

  return (
    <div className="messages">
      <div
        ref={box}
        className="messages-scroll"
        role="log"
        aria-label={`Messages in ${name}`}
        aria-live={quiet ? 'off' : 'polite'}
        tabIndex={0}
      >
        {hasOlder && <Earlier box={box} state={older} onLoad={onLoadOlder} />}
        {!loaded && messages.length === 0 && <p className="messages-note">Loading messages…</p>}
        {loaded && messages.length === 0 && (
          <p className="messages-note">Nothing has been said here lately. Say hello!</p>
        )}
        <ol ref={list} className="messages-list">
          {messages.map((entry) => (
            <Message key={entry.id} entry={entry} onSendAgain={onSendAgain} />
          ))}
        </ol>
      </div>
      {!atEnd && (
        <button type="button" className="button messages-end" onClick={toEnd}>
          {last > read ? 'New messages' : 'Latest messages'}
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 3v10M3.5 8.5 8 13l4.5-4.5" />
          </svg>
        </button>
      )}
    </div>
  );
});

interface EarlierProps {
  box: React.RefObject<HTMLElement | null>;
  state: RoomState['older'];
  onLoad: () => void;
}

/** Loads earlier messages as soon as it comes near the view; a button for all who do not scroll. */
function Earlier({ box, state, onLoad }: EarlierProps) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (button.current === null || state !== 'idle') return;
    const seen = new IntersectionObserver(
      (sightings) => {
        if (sightings.some((sighting) => sighting.isIntersecting)) onLoad();
      },
      { root: box.current, rootMargin: '300px 0px 0px 0px' },
    );
    seen.observe(button.current);
    return () => {
      seen.disconnect();
    };
  }, [box, state, onLoad]);
  return (
    <p className="messages-earlier">
      <button ref={button} type="button" className="link-button" onClick={onLoad}>
        {state === 'loading' ? 'Loading earlier messages…' : 'Show earlier messages'}
      </button>
    </p>
  );
}

/** True from when `on` is until `milliseconds` after it is no longer. */
function useLingering(on: boolean, milliseconds: number): boolean {
  const [lingering, setLingering] = useState(on);
  useEffect(() => {
    const timer = setTimeout(
      () => {
        setLingering(on);
      },
      on ? 0 : milliseconds,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [on, milliseconds]);
  return on || lingering;
}
