// Generated from proto/schemas by `npm run types`. Do not edit.

/** Payload of a client's `ADD_CHAT`. */
export type AddChat = {
  /** Makes sending again safe: a repeated id gets the first answer again. */
  readonly id?: string | null;
  /** What to say, 1 to 4,000 characters. */
  readonly message: string;
  /** The room to say it in; the sender must be there. */
  readonly room: string;
};

/** Acknowledgement of what was done: `{ok: true, …}`. */
export type AddChatAck = {
  /** The message's id. */
  readonly id: ChatId;
  /** Always true. */
  readonly ok: true;
  /** Its place in the room. */
  readonly seq: number;
  /** When it was stored, in milliseconds since the Unix epoch. */
  readonly ts: number;
};

/**
 * The id a client gives a message so that sending it again does not store it twice: 1 to 64 of
 * `A-Z a-z 0-9 _ -`. The server makes one for a client that gives none.
 */
export type ChatId = string;

/** Payload of a client's `ADD_ROOM`. */
export type AddRoom = {
  /** The room's name, 1 to 64 characters. */
  readonly name: string;
};

/** Acknowledgement of what was done: `{ok: true, …}`. */
export type AddRoomAck = {
  /** Always true. */
  readonly ok: true;
  /** The room the socket is now in, with its name as stored. */
  readonly room: Room;
};

/** A room, as listed to everybody. */
export type Room = {
  /** Identity: the name. */
  readonly id: RoomName;
  /** The name shown. */
  readonly name: RoomName;
};

/**
 * The name of a room, which is also its identity: by default 1 to 64 characters, no control characters,
 * trimmed. `Lobby` and `lobby` are two rooms.
 */
export type RoomName = string;

/** One stored message. */
export type Chat = {
  /** The id its sender gave it. */
  readonly id: ChatId;
  /** What was said. */
  readonly message: MessageText;
  /** The room it was said in. */
  readonly room: RoomName;
  /** Its place in the room: 1, 2, 3, … without holes, the same for everybody. */
  readonly seq: number;
  /** When the server stored it, in milliseconds since the Unix epoch. */
  readonly ts: number;
  /** Who said it. */
  readonly user: User;
};

/** What a person says: by default 1 to 4,000 characters, not only white space. Kept exactly as typed. */
export type MessageText = string;

/** A person, as every other person in a room sees them. */
export type User = {
  /** Stable identity. */
  readonly id: UserId;
  /** Where the account comes from: `local`, `google`, `facebook`, … */
  readonly type: UserType;
  /** The name shown. */
  readonly user: string;
};

/** The identity of an account, for as long as the account exists; the name may change, this does not. */
export type UserId = string;

/** Where an account comes from: `local` for one with a password, else the name of its identity provider. */
export type UserType = string;

/**
 * Payload of a client's `GET_CHAT`.
 *
 * With `since`, the messages after that number, oldest first; with `before`, the last ones before it; with
 * neither, the last ones. `since` and `before` together are invalid.
 */
export type GetChat = {
  /** The first `seq` the client has. */
  readonly before?: number | null;
  /** At most so many; 100 unless told, 500 at most. */
  readonly limit?: number | null;
  /** The room's name. */
  readonly room: string;
  /** The last `seq` the client has. */
  readonly since?: number | null;
};

/** Acknowledgement of what was done: `{ok: true, …}`. */
export type GetChatAck = {
  /** In order of `seq`. */
  readonly chats: readonly Chat[];
  /**
   * With `since`: some of what was said since then has been removed, so the client should forget what it
   * has and start from these.
   */
  readonly gap: boolean;
  /** There is more in the direction asked for than the limit let through. */
  readonly more: boolean;
  /** Always true. */
  readonly ok: true;
};

/** Acknowledgement of what was done: `{ok: true, …}`. */
export type GetMeAck = {
  /** The session's user. */
  readonly me: User;
  /** Always true. */
  readonly ok: true;
};

/** Acknowledgement of what was done: `{ok: true, …}`. */
export type GetRoomAck = {
  /** Always true. */
  readonly ok: true;
  /** Most recently active first. */
  readonly rooms: readonly Room[];
};

/** Payload of a client's `GET_USER`. */
export type GetUser = {
  /** The room's name. */
  readonly room: string;
};

/** Acknowledgement of what was done: `{ok: true, …}`. */
export type GetUserAck = {
  /** Always true. */
  readonly ok: true;
  /** Everybody in the room, over all nodes. */
  readonly users: readonly User[];
};

/** Acknowledgement of what was not done: `{ok: false, error}`. */
export type Refused = {
  /** Why. */
  readonly error: EventError;
  /** Always false. */
  readonly ok: false;
};

/** The kinds of refusal a client can act on. */
export type ErrorCode =
  /** The session has ended: sign in again. */
  | 'unauthenticated'
  /** The event, or its payload, is not one the server knows: sending it again will not help. */
  | 'invalid'
  /** Longer than the limit. */
  | 'too_large'
  /** Too many in too short a time: wait a moment, then send it again. */
  | 'rate_limited'
  /** The socket is not in this room: enter it first. */
  | 'not_in_room'
  /** Something the server needs is away: send it again, with the same id. */
  | 'unavailable';

/** Why an event was refused. */
export type EventError = {
  /** For programs. */
  readonly code: ErrorCode;
  /** For people. */
  readonly message: string;
};

/** Payload of a server's `ADD_USER` and `REMOVE_USER`: the `User`, and the room they came to or left. */
export type UserInRoom = {
  /** Stable identity. */
  readonly id: UserId;
  /** The room's name. */
  readonly room: string;
  /** Where the account comes from: `local`, `google`, `facebook`, … */
  readonly type: UserType;
  /** The name shown. */
  readonly user: string;
};
