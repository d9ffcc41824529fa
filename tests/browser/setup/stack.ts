import { readFileSync } from 'node:fs';
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

/** Kills the process whenever it runs, until `condition` holds. */
export async function keepDown(name: string, condition: () => Promise<boolean>): Promise<void> {
  const killed = new Set<number>();
  await expect
    .poll(
      async () => {
        const { pid } = find(name);
        if (pid !== 0 && !killed.has(pid)) {
          process.kill(pid, 'SIGKILL');
          killed.add(pid);
        }
        return await condition();
      },
      { intervals: [50], message: `${name} is down and is done without` },
    )
    .toBe(true);
}

/** Waits until the supervisor has started the process anew and, if it can say so, it is ready. */
export async function restarted(name: string, formerPid: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const { pid, admin_port } = find(name);
        if (pid === 0 || pid === formerPid) return 'not started';
        if (admin_port === null) return 'ready';
        try {
          const answer = await fetch(`http://127.0.0.1:${admin_port}/readyz`);
          return answer.ok ? 'ready' : `readyz: ${answer.status}`;
        } catch {
          return 'no answer';
        }
      },
      { message: `${name} is back`, timeout: 40_000 },
    )
    .toBe('ready');
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
