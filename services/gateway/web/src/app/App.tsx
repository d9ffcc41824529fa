import { useMemo, useSyncExternalStore } from 'react';
import { ConnectionBanner } from '../features/connection/ConnectionBanner';
import { RoomView } from '../features/room/RoomView';
import { RoomList } from '../features/rooms/RoomList';
import { Avatar } from '../ui/Avatar';
import { LIST_HASH, roomHash } from './address';
import type { ChatClient } from './client';
import { useTitle } from './useTitle';

interface AppProps {
  client: ChatClient;
  /** Most characters a message may have. */
  messageChars: number;
}

/** The client: the rooms, and the room one is in. Everything it shows is in the [`ChatClient`]. */
export function App({ client, messageChars }: AppProps) {
  const state = useSyncExternalStore(client.subscribe, client.getState);
  const { connection, session, me, rooms, room, entering, entryError, notice } = state;
  const connected = connection === 'connected';
  useTitle(session === 'open' ? room : null, me);
  const actions = useMemo(
    () => ({
      onType: (draft: string) => {
        client.typed(draft);
      },
      onSend: () => client.send(),
      onSendAgain: (id: string) => {
        client.sendAgain(id);
      },
      onLoadOlder: () => void client.loadOlder(),
      onTrim: (keep: number) => {
        client.trim(keep);
      },
      onCreate: (name: string) => {
        location.hash = roomHash(name);
      },
    }),
    [client],
  );
  const { onCreate, ...roomActions } = actions;
  if (session !== 'open') {
    return (
      <p className="chat-empty" role="alert">
        {session === 'over' ? 'You are signed out.' : 'One moment: are you still signed in?'}
      </p>
    );
  }
  return (
    <div className={room === null ? 'chat chat--list' : 'chat chat--room'}>
      <ConnectionBanner connected={connected} known={me !== null} />
      <p className="notice" role="alert">
        {notice}
      </p>
      <div className="sidebar">
        <RoomList
          rooms={rooms.items}
          current={room?.name ?? null}
          entering={entering}
          error={entryError}
          hrefOf={roomHash}
          onCreate={onCreate}
        />
        {me !== null && (
          <p className="me">
            <Avatar id={me.id} name={me.user} />
            <span className="me-name">{me.user}</span>
            <span className={connected ? 'me-state me-state--on' : 'me-state'}>
              {connected ? 'Connected' : 'Not connected'}
            </span>
          </p>
        )}
      </div>
      {room === null ? (
        <p className="chat-empty">
          {entering === null ? 'Choose a room, or create one.' : `Entering ${entering}…`}
        </p>
      ) : (
        <RoomView
          key={room.name}
          room={room}
          me={me}
          listHref={LIST_HASH}
          messageChars={messageChars}
          {...roomActions}
        />
      )}
    </div>
  );
}
