import { memo, useMemo } from 'react';
import { Avatar } from '../../ui/Avatar';
import type { User } from '../../wire/events';

interface PeopleProps {
  id: string;
  people: readonly User[] | null;
  me: User | null;
  /** Shown where there is no room for it beside the messages. */
  open: boolean;
}

const byName = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

export const People = memo(function People({ id, people, me, open }: PeopleProps) {
  const sorted = useMemo(
    () => [...(people ?? [])].sort((a, b) => byName.compare(a.user, b.user)),
    [people],
  );
  return (
    <aside id={id} className={open ? 'people people--open' : 'people'} aria-label="People">
      <h2 className="people-title">
        People <span className="count">{people?.length ?? '…'}</span>
      </h2>
      <ul className="people-list" aria-label="People in this room">
        {sorted.map((person) => (
          <li key={person.id} className="person">
            <Avatar id={person.id} name={person.user} />
            <span className="person-name">{person.user}</span>
            {person.id === me?.id && <span className="person-you">you</span>}
          </li>
        ))}
      </ul>
    </aside>
  );
});
