import { useEffect, useState } from 'react';

/** Milliseconds. A connection that is back sooner than this was not worth a word. */
const PATIENCE = 800;

/** Says so while there is no connection. */
export function ConnectionBanner({ connected, known }: { connected: boolean; known: boolean }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(
      () => {
        setLate(!connected);
      },
      connected ? 0 : PATIENCE,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [connected]);
  return (
    <p className="connection-banner" role="status" aria-live="polite">
      {late && !connected && (known ? 'Connection lost. Trying again…' : 'Connecting…')}
    </p>
  );
}
