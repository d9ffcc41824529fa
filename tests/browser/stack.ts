// The running product: started once for all tests, with data of its own, and stopped at the end.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface RunningProcess {
  name: string;
  kind: string;
  pid: number;
  admin_port: number | null;
}

interface State {
  url: string;
  pid: number;
  processes: RunningProcess[];
}

const root = resolve(import.meta.dirname, '../..');
const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 60_000;

/** Waits until `condition` gives something, and says what it waited for when it does not. */
export async function until<T>(
  what: string,
  deadlineMs: number,
  condition: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

export class Stack {
  private readonly dir = mkdtempSync(join(tmpdir(), 'packtchat-browser-'));
  private readonly up: ChildProcess;
  private output = '';
  url = '';

  private constructor() {
    const program = process.env['PACKTCHAT_BIN'] ?? 'target/debug/packtchat';
    const options = ['up', '--profile', 'dev', '--skip-build', '--port', '0', '--dir', this.dir];
    this.up = spawn(program, options, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (text: Buffer) => (this.output += text.toString());
    this.up.stdout?.on('data', keep);
    this.up.stderr?.on('data', keep);
  }

  static async start(): Promise<Stack> {
    const stack = new Stack();
    stack.url = await until('PacktChat starts', START_DEADLINE_MS, () => {
      if (stack.up.exitCode !== null) throw new Error(`packtchat up ended:\n${stack.output}`);
      return stack.output.includes('scripts/down') ? stack.state().url : undefined;
    });
    return stack;
  }

  state(): State {
    return JSON.parse(readFileSync(join(this.dir, 'state.json'), 'utf8')) as State;
  }

  pid(name: string): number {
    const found = this.state().processes.find((one) => one.name === name);
    if (!found) throw new Error(`there is no process ${name}`);
    return found.pid;
  }

  signal(name: string, signal: NodeJS.Signals): void {
    process.kill(this.pid(name), signal);
  }

  /** Kills a process and returns when the one started in its place is ready. */
  async killAndWait(name: string): Promise<void> {
    const before = this.pid(name);
    process.kill(before, 'SIGKILL');
    await until(`${name} is started again`, 30_000, async () => {
      const now = this.state().processes.find((one) => one.name === name);
      if (!now || now.pid === 0 || now.pid === before) return undefined;
      if (now.admin_port === null) return true;
      const ready = await fetch(`http://127.0.0.1:${now.admin_port}/readyz`).catch(() => undefined);
      return ready?.ok ? true : undefined;
    });
  }

  /** Stops everything; nothing may be left. */
  async stop(): Promise<void> {
    const pids = this.state().processes.map((one) => one.pid);
    this.up.kill('SIGTERM');
    const code = await until(
      'PacktChat stops',
      STOP_DEADLINE_MS,
      () => this.up.exitCode ?? undefined,
    );
    if (code !== 0) throw new Error(`packtchat up ended with ${code}:\n${this.output}`);
    const left = pids.filter((pid) => alive(pid));
    if (left.length > 0) throw new Error(`still running: ${left.join(', ')}`);
    rmSync(this.dir, { recursive: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
