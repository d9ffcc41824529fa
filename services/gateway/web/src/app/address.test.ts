import { beforeEach, describe, expect, it } from 'vitest';
import { browserAddress, parsePlace, roomHash } from './address';

describe('the address', () => {
  it.each(['lobby', 'Größe 東京 🎉', 'a/b?c#d%e', '100%'])('leads to %s and back', (name) => {
    expect(parsePlace(roomHash(name))).toEqual({ room: name });
  });

  it('leads to the list without a room, or with one that cannot be read', () => {
    for (const hash of ['', '#', '#rooms', '#room/', '#room/%20', '#room/%E4']) {
      expect(parsePlace(hash)).toEqual({ room: null });
    }
  });

  it('is of no concern when it is about a part of the page', () => {
    expect(parsePlace('#main')).toBeNull();
  });
});

describe("the browser's address", () => {
  beforeEach(() => {
    history.replaceState(null, '', '/chat');
  });

  it('is corrected without a new entry in the history', () => {
    const address = browserAddress('/account/login');
    const before = history.length;
    address.replace('a b');
    expect(location.hash).toBe('#room/a%20b');
    expect(address.place()).toEqual({ room: 'a b' });
    address.replace(null);
    expect(location.href).toMatch(/\/chat$/);
    expect(history.length).toBe(before);
  });
});
