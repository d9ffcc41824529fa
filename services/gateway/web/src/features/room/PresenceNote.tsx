import { useEffect, useState } from 'react';
import type { Presence } from './room';

/** Milliseconds. */
const SHOWN = 5000;

/** Says for a moment who came or left. */
export function PresenceNote({ presence }: { presence: Presence | null }) {
  const [past, setPast] = useState<Presence | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => {
      setPast(presence);
    }, SHOWN);
    return () => {
      clearTimeout(timer);
    };
  }, [presence]);
  const shown = presence === past ? null : presence;
  return (
    <p className="presence-note" role="status">
      {shown && `${shown.user.user} ${shown.kind === 'came' ? 'joined' : 'left'}`}
    </p>
  );
}
