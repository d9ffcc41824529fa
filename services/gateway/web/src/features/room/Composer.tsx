import { useEffect, useId, useRef } from 'react';

/** From this share of the limit on, the count shows. */
const NEARLY = 0.9;

interface ComposerProps {
  room: string;
  draft: string;
  error: string | null;
  /** Most characters a message may have. */
  limit: number;
  onType: (draft: string) => void;
  /** Tells whether the message went on its way. */
  onSend: () => boolean;
}

export function Composer({ room, draft, error, limit, onType, onSend }: ComposerProps) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const chars = Array.from(draft).length;

  useEffect(() => {
    field.current?.focus();
  }, [room]);

  const send = () => {
    onSend();
    field.current?.focus();
  };

  return (
    <form
      className="composer"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <p id={`${id}-error`} className="field-error composer-error" role="alert">
        {error}
      </p>
      <div className="composer-row">
        <textarea
          ref={field}
          className="composer-text"
          aria-label="Message"
          aria-invalid={error !== null}
          aria-describedby={`${id}-error ${id}-count`}
          placeholder={`Say something in ${room}`}
          // For browsers that do not grow the field with its text by themselves.
          rows={Math.min(8, draft.split('\n').length)}
          enterKeyHint="send"
          autoComplete="off"
          dir="auto"
          value={draft}
          onChange={(event) => {
            onType(event.target.value);
          }}
          onKeyDown={(event) => {
            // Enter also accepts what an input method proposes; that is not sending.
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button type="submit" className="button button--primary">
          Send
        </button>
      </div>
      <p
        id={`${id}-count`}
        className={chars > limit ? 'composer-count composer-count--over' : 'composer-count'}
      >
        {chars > limit * NEARLY &&
          `${chars.toLocaleString('en')} of ${limit.toLocaleString('en')} characters`}
      </p>
    </form>
  );
}
