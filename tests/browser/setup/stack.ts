import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from '@playwright/test';

/** Names the directory of the stack the tests run against. */
export const DIR_VARIABLE = 'PACKTCHAT_E2E_DIR';

/** A process of the stack, as `state.json` tells. */
interface RunningProcess {
  readonly name: string;
  /** 0 while it does not run. */
  readonly pid: number;
  readonly port: number | null;
  readonly admin_port: number | null;
}

interface State {
  readonly url: string;
  readonly processes: readonly RunningProcess[];
}

export function readState(): State {
  const dir = process.env[DIR_VARIABLE];
  if (dir === undefined) throw new Error(`${DIR_VARIABLE} is not set`);
  return JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8')) as State;
}

function find(name: string): RunningProcess {
  const found = readState().processes.find((one) => one.name === name);
  if (found === undefined) throw new Error(`the stack has no process ${name}`);
  return found;
}

export const NODES = ['chat-realtime-1', 'chat-realtime-2'] as const;
export type Node = (typeof NODES)[number];

/** Sends a signal to the process as it runs now; returns its pid. */
export function signal(name: string, which: NodeJS.Signals): number {
  const { pid } = find(name);
  if (pid === 0) throw new Error(`${name} does not run`);
  process.kill(pid, which);
  return pid;
}

/** Kills the process, and again whenever it runs, until `condition` holds; returns the last pid it killed. */
export async function keepDown(name: string, condition: () => Promise<boolean>): Promise<number> {
  let killed = signal(name, 'SIGKILL');
  await expect
    .poll(
      async () => {
        const { pid } = find(name);
        if (pid !== 0 && pid !== killed) {
          process.kill(pid, 'SIGKILL');
          killed = pid;
        }
        return await condition();
      },
      { intervals: [50], message: `${name} is down and is done without` },
    )
    .toBe(true);
  return killed;
}

/** Milliseconds: RabbitMQ takes the longest, above all when the services need the processor too. */
const RECOVERY_PATIENCE = 60_000;

/** Waits until the supervisor has started the process anew and everything is as well as before. */
export async function recovered(name: string, formerPid: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const { pid } = find(name);
        return pid === 0 || pid === formerPid ? [`${name} is not started`] : await unwell();
      },
      { message: `all is well after the end of ${name}`, timeout: RECOVERY_PATIENCE },
    )
    .toEqual([]);
}

/** What the processes of the stack lack. One looks at ports too: who is asked may have been ready a moment ago. */
async function unwell(): Promise<string[]> {
  const lacks = readState().processes.map(async ({ name, port, admin_port }) => {
    if (port !== null && !(await listens(port))) return `${name} does not listen`;
    if (admin_port === null) return undefined;
    const ready = await fetch(`http://127.0.0.1:${admin_port}/readyz`).catch(() => undefined);
    return ready?.ok === true ? undefined : `${name} is not ready`;
  });
  return (await Promise.all(lacks)).filter((one) => one !== undefined);
}

function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => {
      done(false);
    });
  });
}

/** Whether HAProxy sends those to the node whose cookie names it. */
export async function isServing(node: Node): Promise<boolean> {
  const headers = { cookie: `SERVERID=${node}` };
  const answer = await fetch(`${readState().url}/socket.io/`, { headers });
  // Whoever comes to another node is told the name of that one.
  return answer.status < 500 && !answer.headers.getSetCookie().join().includes('SERVERID=');
}

/** How many browsers' sockets the node holds, as the kernel knows. HAProxy's checks use another port. */
export function socketsOf(node: Node): number {
  const { port } = find(node);
  const local = `:${(port ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address?.endsWith(local) === true && state === '01').length;
}
