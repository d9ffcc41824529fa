// Runs servers for a suite in another language: `node support/serve.js echoes [ARG ...]` or `node support/serve.js stack`.
// The first line of output is the address, as JSON. Each line of input is a call, `kill echo-1` for instance, and is
// answered by a line with its result. The servers end with the input.
import { createInterface } from 'node:readline';
import { register, signOut } from './account.js';
import { EchoPair } from './echo-pair.js';
import { Stack } from './stack.js';

const [what, ...args] = process.argv.slice(2);
const servers = what === 'stack' ? await Stack.start() : await EchoPair.start(...args);

/** @type {Record<string, (argument: string) => Promise<unknown>>} */
const calls = {
  restart: (name) => servers.restart(name),
  register: (of) => register(servers.url, of),
  signOut: (cookie) => signOut(servers.url, cookie),
  ...(servers instanceof EchoPair && { kill: (/** @type {string} */ name) => servers.kill(name) }),
};

/** @param {unknown} value */
const say = (value) => process.stdout.write(`${JSON.stringify(value ?? null)}\n`);

say(servers.url);
for await (const line of createInterface({ input: process.stdin })) {
  const [, call = '', argument = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
  const run = calls[call];
  if (!run) throw new Error(`there is no call ${call}`);
  say(await run(argument));
}
await servers.stop();
