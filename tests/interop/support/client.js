import { io } from 'socket.io-client';
import { next, until } from './wait.js';

/** @typedef {{ name: string, transports: ('polling' | 'websocket')[] }} Mode */
/** @typedef {import('socket.io-client').Socket} Socket */

/** @type {Mode} */
export const UPGRADE = { name: 'polling, then upgrade', transports: ['polling', 'websocket'] };

/** The ways to talk that a stock client has. @type {Mode[]} */
export const MODES = [
  { name: 'WebSocket only', transports: ['websocket'] },
  { name: 'polling only', transports: ['polling'] },
  UPGRADE,
];

/**
 * A client that is about to connect, with connections of its own. It ends with the test.
 * @param {import('node:test').TestContext} t
 * @param {string} url with the namespace
 * @param {Mode} mode
 * @param {Partial<import('socket.io-client').ManagerOptions & import('socket.io-client').SocketOptions>} [options]
 * @returns {Socket}
 */
export function client(t, url, mode, options = {}) {
  const socket = io(url, {
    forceNew: true,
    transports: mode.transports,
    // Keeps HAProxy's cookie, as a browser does.
    withCredentials: options.extraHeaders === undefined,
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
    ...options,
  });
  t.after(() => {
    socket.io.reconnection(false);
    socket.disconnect();
    socket.io.engine.close();
  });
  return socket;
}

/**
 * A client that is connected by the last transport of its mode.
 * @param {Parameters<typeof client>} args
 */
export async function connected(...args) {
  const [, , mode] = args;
  const socket = client(...args);
  await next(socket, 'connect');
  await settled(socket, mode);
  return socket;
}

/**
 * @param {Socket} socket
 * @param {Mode} mode
 */
export async function settled(socket, mode) {
  const wanted = mode.transports.at(-1);
  const settles = () => (socket.io.engine.transport.name === wanted ? true : undefined);
  await until(`the transport is ${wanted}`, settles);
}
