import { describe, expect, it } from 'vitest';
import { UNKNOWN, added, asked, fetched, has, removed } from './liveList';
import type { LiveList } from './liveList';

interface Named {
  id: string;
  name?: string;
}

const unknown: LiveList<Named> = UNKNOWN;
const ids = (list: LiveList<Named>) => list.items?.map((item) => item.id);

describe('a live list', () => {
  it('is unknown until fetched, whatever is pushed', () => {
    expect(added(unknown, { id: 'a' }).items).toBeNull();
    expect(ids(fetched(asked(unknown), [{ id: 'a' }]))).toEqual(['a']);
  });

  it('puts what is new first and nothing in twice', () => {
    let list = fetched(unknown, [{ id: 'a' }, { id: 'b' }]);
    list = added(list, { id: 'c' });
    list = added(list, { id: 'a', name: 'renamed' });
    expect(list.items).toEqual([{ id: 'c' }, { id: 'a', name: 'renamed' }, { id: 'b' }]);
  });

  it('keeps what is pushed while a fetch is under way', () => {
    let list = asked(fetched(unknown, [{ id: 'a' }, { id: 'b' }]));
    list = added(list, { id: 'c' });
    list = removed(list, 'a');
    expect(ids(list)).toEqual(['c', 'b']);
    // The answer was made before either push.
    expect(ids(fetched(list, [{ id: 'a' }, { id: 'b' }]))).toEqual(['c', 'b']);
    // The answer was made after both.
    expect(ids(fetched(list, [{ id: 'c' }, { id: 'b' }]))).toEqual(['c', 'b']);
  });

  it('lets the last of several pushes decide', () => {
    const list = removed(added(asked(unknown), { id: 'a' }), 'a');
    expect(ids(fetched(list, [{ id: 'a' }]))).toEqual([]);
  });

  it('forgets pushes older than the fetch', () => {
    const list = removed(fetched(unknown, [{ id: 'a' }]), 'a');
    expect(ids(fetched(asked(list), [{ id: 'a' }]))).toEqual(['a']);
  });

  it('knows what it has', () => {
    const list = fetched(unknown, [{ id: 'a' }]);
    expect(has(list, 'a')).toBe(true);
    expect(has(list, 'b')).toBe(false);
    expect(has(unknown, 'a')).toBe(false);
  });
});
