import { memo, useCallback, useSyncExternalStore } from 'react';
import { onTick } from './clock';
import { absoluteTime, relativeTime } from './relativeTime';

/** How long ago something was, kept up to date; hovering tells the time in full. */
export const Time = memo(function Time({ ts, className }: { ts: number; className: string }) {
  // The text is the snapshot, so that a tick renders only the times whose words have changed.
  const text = useSyncExternalStore(
    onTick,
    useCallback(() => relativeTime(ts, Date.now()), [ts]),
  );
  return (
    <time className={className} dateTime={new Date(ts).toISOString()} title={absoluteTime(ts)}>
      {text}
    </time>
  );
});
