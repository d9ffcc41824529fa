import { memo } from 'react';
import { Avatar } from '../../ui/Avatar';
import { Time } from '../../ui/Time';
import type { Entry } from './entries';
import { pieces } from './links';
import type { Outgoing } from './outbox';

interface MessageProps {
  entry: Entry;
  onSendAgain: (id: string) => void;
}

export const Message = memo(function Message({ entry, onSendAgain }: MessageProps) {
  const { seq, user, ts, mine, follows, outgoing } = entry;
  const classes = ['message'];
  if (mine) classes.push('message--mine');
  if (follows) classes.push('message--follows');
  if (outgoing !== null) classes.push(`message--${outgoing.state}`);
  return (
    <li className={classes.join(' ')} data-seq={seq ?? undefined}>
      {!follows && <Avatar id={user.id} name={user.user} />}
      <div className="message-content">
        <p className="message-meta">
          <span className="message-name">{user.user}</span>
          <Time className="message-time" ts={ts} />
        </p>
        <p className="message-text" dir="auto">
          {pieces(entry.message).map(({ text, href }, index) =>
            href === null ? (
              text
            ) : (
              <a key={index} href={href} target="_blank" rel="noopener noreferrer nofollow">
                {text}
              </a>
            ),
          )}
        </p>
        {outgoing?.state === 'failed' ? (
          <p className="message-state message-state--failed" role="alert">
            Not sent{outgoing.reason === null ? '.' : `: ${outgoing.reason}`}{' '}
            <button
              type="button"
              className="link-button"
              onClick={() => {
                onSendAgain(outgoing.id);
              }}
            >
              Try again
            </button>
          </p>
        ) : (
          outgoing !== null && <p className="message-state">{progressOf(outgoing)}</p>
        )}
      </div>
    </li>
  );
}, sameMessage);

function progressOf({ state, tries }: Outgoing): string {
  if (tries > 0) return 'Trying again…';
  return state === 'sending' ? 'Sending…' : 'Waiting…';
}

/** Entries are made anew with every change of the room: compare what is in them. */
function sameMessage(before: MessageProps, after: MessageProps): boolean {
  const a = before.entry;
  const b = after.entry;
  return (
    before.onSendAgain === after.onSendAgain &&
    a.id === b.id &&
    a.seq === b.seq &&
    a.ts === b.ts &&
    a.mine === b.mine &&
    a.follows === b.follows &&
    a.outgoing === b.outgoing &&
    a.message === b.message &&
    a.user.user === b.user.user
  );
}
