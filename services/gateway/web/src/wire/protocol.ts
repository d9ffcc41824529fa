import type {
  AddChat,
  AddChatAck,
  AddRoom,
  AddRoomAck,
  Chat,
  ErrorCode,
  GetChat,
  GetChatAck,
  GetMeAck,
  GetRoomAck,
  GetUser,
  GetUserAck,
  Room,
  UserInRoom,
} from './events';

/** The Socket.IO namespace of the chat. */
export const NAMESPACE = '/packtchat';

/** What `connect_error` says when there is no valid session. */
export const NOT_AUTHENTICATED = 'Not Authenticated';

/** What a client asks: the payload, none for some, and what a granted request is acknowledged with. */
export interface Requests {
  GetMe: { payload: null; ack: GetMeAck };
  GetRoom: { payload: null; ack: GetRoomAck };
  AddRoom: { payload: AddRoom; ack: AddRoomAck };
  GetUser: { payload: GetUser; ack: GetUserAck };
  GetChat: { payload: GetChat; ack: GetChatAck };
  AddChat: { payload: AddChat; ack: AddChatAck };
}

/** What a server tells without being asked. */
export interface Pushes {
  AddRoom: Room;
  RemoveRoom: Room;
  AddUser: UserInRoom;
  RemoveUser: UserInRoom;
  AddChat: Chat;
}

/** Why a request came to nothing. `timeout`: no acknowledgement, so it may or may not have been done. */
export interface Failure {
  readonly code: ErrorCode | 'timeout';
  /** For people. */
  readonly message: string;
}

/** What became of a request. */
export type Outcome<Name extends keyof Requests> =
  Requests[Name]['ack'] | { readonly ok: false; readonly error: Failure };
