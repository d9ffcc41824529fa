/**
 * Where in the client one is, as the fragment of the page's address tells: `#room/<name>`, or none for the list
 * of rooms. Null: a fragment that is about something else, such as the skip link's.
 */
export type Place = { readonly room: string | null } | null;

/** The fragment that leads to the list of rooms. */
export const LIST_HASH = '#rooms';

const ROOM_PREFIX = '#room/';

export function roomHash(name: string): string {
  return ROOM_PREFIX + encodeURIComponent(name);
}

export function parsePlace(hash: string): Place {
  if (hash === '' || hash === '#' || hash === LIST_HASH) return { room: null };
  if (!hash.startsWith(ROOM_PREFIX)) return null;
  try {
    const name = decodeURIComponent(hash.slice(ROOM_PREFIX.length)).trim();
    return { room: name === '' ? null : name };
  } catch {
    // Half a percent escape: the link was cut off somewhere.
    return { room: null };
  }
}

/** The browser's address, as far as the client reads and writes it. */
export interface Address {
  place: () => Place;
  /** Corrects the address without a new entry in the history. */
  replace: (room: string | null) => void;
  /**
   * Goes to the page where people sign in, which tells that they were signed out, and back here afterwards. This page
   * is not to be gone back to.
   */
  signIn: () => void;
}

export function browserAddress(loginUrl: string): Address {
  return {
    place: () => parsePlace(location.hash),
    replace(room) {
      const hash = room === null ? '' : roomHash(room);
      if (location.hash !== hash) {
        history.replaceState(history.state, '', location.pathname + location.search + hash);
      }
    },
    signIn() {
      const next = encodeURIComponent(location.pathname);
      location.replace(`${loginUrl}?next=${next}&ended=1${location.hash}`);
    },
  };
}
