import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { NAMESPACE, NOT_AUTHENTICATED } from '../wire/protocol';
import type { Failure, Outcome, Pushes, Requests } from '../wire/protocol';
import { backoff } from './backoff';

/** Milliseconds to wait for an acknowledgement. */
const PATIENCE = 10_000;

/**
 * Milliseconds. When a page of this browser replaces the session, as one does that changes the password, the new
 * cookie is on its way while the old session ends.
 */
const NEW_COOKIE = 300;

/** Milliseconds to wait after that for the server's word on whether there is a session. */
const DOUBT = 1_000;

/** What a [`Connection`] tells its owner. */
export interface Listener {
  /** Connected, for the first time or again: whatever the server knew of this client, it may have forgotten. */
  connected: () => void;
  /** Not connected any more. Trying again goes on by itself. */
  disconnected: () => void;
  /** Put out because the session has ended. Whether there is another one, one hears soon. */
  putOut: () => void;
  /** There is no session: connecting will not succeed until the person has signed in. */
  unauthenticated: () => void;
  pushed: <Name extends keyof Pushes>(name: Name, payload: Pushes[Name]) => void;
}

/** The way to the server. */
export interface Connection {
  readonly connected: boolean;
  start: (listener: Listener) => void;
  /** Leaves, and comes back as a new connection. */
  restart: () => void;
  /** Asks the server. Never rejects. */
  request: <Name extends keyof Requests>(
    name: Name,
    payload: Requests[Name]['payload'],
  ) => Promise<Outcome<Name>>;
}

const PUSHES = ['AddRoom', 'RemoveRoom', 'AddUser', 'RemoveUser', 'AddChat'] as const;

/** A Socket.IO connection to the server this page came from. Opened by `start`. */
export function socketConnection(): Connection {
  const socket: Socket = io(NAMESPACE, {
    autoConnect: false,
    transports: ['websocket'],
    reconnectionDelay: 500,
    reconnectionDelayMax: 5_000,
    randomizationFactor: 0.5,
    timeout: PATIENCE,
  });

  return {
    get connected() {
      return socket.connected;
    },
    start(listener) {
      let refusals = 0;
      // The library comes back by itself from a broken transport, not from a refusal; this does.
      const comeBack = () => {
        setTimeout(() => {
          if (!socket.active) socket.connect();
        }, backoff(refusals++));
      };
      let doubt: ReturnType<typeof setTimeout> | undefined;
      socket.on('connect', () => {
        refusals = 0;
        clearTimeout(doubt);
        listener.connected();
      });
      socket.on('disconnect', (reason) => {
        listener.disconnected();
        if (reason !== 'io server disconnect') return;
        listener.putOut();
        setTimeout(() => {
          if (!socket.active) socket.connect();
        }, NEW_COOKIE);
        doubt = setTimeout(listener.unauthenticated, NEW_COOKIE + DOUBT);
      });
      socket.on('connect_error', (error) => {
        if (error.message === NOT_AUTHENTICATED) listener.unauthenticated();
        else if (!socket.active) comeBack();
      });
      for (const name of PUSHES) {
        socket.on(name, (payload: Pushes[typeof name]) => {
          listener.pushed(name, payload);
        });
      }
      // Do not sit out a long delay when the network is back or the person looks again.
      const hurry = () => {
        if (!socket.connected && !document.hidden) socket.disconnect().connect();
      };
      window.addEventListener('online', hurry);
      document.addEventListener('visibilitychange', hurry);
      socket.connect();
    },
    restart() {
      socket.disconnect().connect();
    },
    async request(name, payload) {
      // The library would keep it and send it after reconnection, when it may be wrong.
      if (!socket.connected) return { ok: false, error: NO_ANSWER };
      type Ack = Outcome<typeof name>;
      const args = payload === null ? [] : [payload];
      try {
        return (await socket.timeout(PATIENCE).emitWithAck(name, ...args)) as Ack;
      } catch {
        return { ok: false, error: NO_ANSWER };
      }
    },
  };
}

const NO_ANSWER: Failure = { code: 'timeout', message: 'The server did not answer.' };
