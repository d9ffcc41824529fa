import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from './program.js';
import { until } from './wait.js';

const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 60_000;

/** @typedef {{ url: string, processes: { name: string, pid: number, admin_port: number | null }[] }} State */

/** A whole PacktChat with two nodes, and data of its own. */
export class Stack {
  #dir = mkdtempSync(join(tmpdir(), 'packtchat-interop-'));
  #up = new Program(
    process.env['PACKTCHAT_BIN'] ?? 'target/debug/packtchat',
    ['up', '--profile', 'dev', '--skip-build', '--port', '0', '--dir', this.#dir],
    // Everybody registers from one address.
    { PACKTCHAT__THROTTLE__REGISTRATIONS: '0' },
  );
  url = '';

  static async start() {
    const stack = new Stack();
    const started = () => {
      stack.#up.assertRuns();
      return stack.#up.output.includes('scripts/down') ? stack.#state().url : undefined;
    };
    try {
      stack.url = await until('PacktChat starts', started, START_DEADLINE_MS);
      return stack;
    } catch (error) {
      stack.#up.kill('SIGKILL');
      throw error;
    }
  }

  /** Kills a process and returns when the one started in its place is ready. @param {string} name */
  async restart(name) {
    const before = this.#process(name).pid;
    process.kill(before, 'SIGKILL');
    await until(`${name} is ready again`, async () => {
      const { pid, admin_port } = this.#process(name);
      if (pid === 0 || pid === before) return undefined;
      const ready = await fetch(`http://127.0.0.1:${admin_port}/readyz`).catch(() => undefined);
      return ready?.ok ? true : undefined;
    });
  }

  async stop() {
    this.#up.kill('SIGTERM');
    const ended = this.#up.ended.then(() => true);
    const late = new Promise((wake) => setTimeout(wake, STOP_DEADLINE_MS, false).unref());
    if (!(await Promise.race([ended, late])) || this.#up.child.exitCode !== 0) {
      throw new Error(`PacktChat did not stop well:\n${this.#up.output}`);
    }
    rmSync(this.#dir, { recursive: true });
  }

  /** @returns {State} */
  #state() {
    return JSON.parse(readFileSync(join(this.#dir, 'state.json'), 'utf8'));
  }

  /** @param {string} name */
  #process(name) {
    const found = this.#state().processes.find((one) => one.name === name);
    if (!found) throw new Error(`there is no process ${name}`);
    return found;
  }
}
