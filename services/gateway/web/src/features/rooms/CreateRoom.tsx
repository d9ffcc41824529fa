import { useEffect, useId, useRef, useState } from 'react';

/** Why the room of this name could not be entered. */
export interface EntryError {
  readonly name: string;
  readonly message: string;
}

interface CreateRoomProps {
  error: EntryError | null;
  busy: boolean;
  onCreate: (name: string) => void;
}

export function CreateRoom({ error, busy, onCreate }: CreateRoomProps) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [name, setName] = useState('');
  const [empty, setEmpty] = useState(false);
  // A refused name comes back into the field, to be changed.
  const [shownError, setShownError] = useState<EntryError | null>(null);
  if (error !== shownError) {
    setShownError(error);
    if (error !== null) setName(error.name);
  }
  useEffect(() => {
    if (error !== null) field.current?.focus();
  }, [error]);
  const refused = error?.name === name.trim() ? error.message : null;
  const message = empty ? 'Please enter a room name' : refused;
  return (
    <form
      className="form create-room"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === '') {
          setEmpty(true);
          field.current?.focus();
          return;
        }
        setName('');
        onCreate(name.trim());
      }}
    >
      <div className="field">
        <label htmlFor={id}>Room name</label>
        <div className="create-room-row">
          <input
            ref={field}
            id={id}
            type="text"
            autoComplete="off"
            aria-invalid={message !== null}
            aria-describedby={`${id}-error`}
            value={name}
            onChange={(event) => {
              setName(event.target.value);
              setEmpty(false);
            }}
          />
          <button type="submit" className="button" aria-busy={busy}>
            Create<span className="visually-hidden"> room</span>
          </button>
        </div>
        <p id={`${id}-error`} className="field-error" role="alert">
          {message}
        </p>
      </div>
    </form>
  );
}
