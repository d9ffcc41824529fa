import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chooseProviders } from './provider-settings.ts';
import { DIR_VARIABLE, readState } from './stack.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
/** Milliseconds: RabbitMQ alone takes 10 seconds on a quiet machine. */
const START_PATIENCE = 180_000;
/** Milliseconds, more than the stack's own deadlines together. */
const STOP_PATIENCE = 60_000;
/** Everybody comes from one address. */
const UNTHROTTLED = {
  PACKTCHAT__THROTTLE__REGISTRATIONS: '0',
  PACKTCHAT__THROTTLE__PROVIDER_SIGN_INS: '0',
  PACKTCHAT__THROTTLE__VISITORS: '0',
};

/** Starts a PacktChat of its own for the tests, unless they are told to use a running one; returns what stops it. */
export default async function start(): Promise<() => Promise<void>> {
  if (process.env[DIR_VARIABLE] !== undefined) {
    readState();
    return () => Promise.resolve();
  }
  const program = process.env['PACKTCHAT_BIN'] ?? join(REPOSITORY, 'target/debug/packtchat');
  const dir = mkdtempSync(join(tmpdir(), 'packtchat-e2e-'));
  const output = join(dir, 'output.log');
  const file = openSync(output, 'w');
  const up = spawn(
    program,
    ['up', '--profile', 'dev', '--skip-build', '--port', '0', '--dir', dir],
    {
      cwd: REPOSITORY,
      env: { ...process.env, ...UNTHROTTLED, ...(await chooseProviders()) },
      stdio: ['ignore', file, file],
    },
  );
  closeSync(file);
  const ended = end(up);
  const said = () => readFileSync(output, 'utf8');
  const deadline = Date.now() + START_PATIENCE;
  // It prints the address once everything is ready.
  while (!/^\s*http:\/\/\S+$/m.test(said())) {
    const outcome = await Promise.race([ended, pause(100)]);
    if (outcome !== undefined) throw new Error(`${program} up ended (${outcome}):\n${said()}`);
    if (Date.now() > deadline) {
      up.kill('SIGTERM');
      await ended;
      throw new Error(`${program} up is not ready after ${START_PATIENCE / 1000} s:\n${said()}`);
    }
  }
  process.env[DIR_VARIABLE] = dir;

  return async () => {
    up.kill('SIGTERM');
    const outcome = await Promise.race([
      ended,
      pause(STOP_PATIENCE, 'still there', { ref: false }),
    ]);
    if (outcome === 'still there') up.kill('SIGKILL');
    const left = processesOf(dir);
    if (outcome !== 'exit code 0' || left.length > 0) {
      throw new Error(
        `packtchat up, told to stop: ${outcome}; left running: ${left.join(', ') || 'nothing'}.\n` +
          `Its files are kept in ${dir}. It said:\n${said()}`,
      );
    }
    rmSync(dir, { recursive: true });
  };
}

/** How the process ended, in words. */
function end(process: ChildProcess): Promise<string> {
  return new Promise((done) => {
    process.once('error', (error) => {
      done(error.message);
    });
    process.once('exit', (code, signal) => {
      done(signal ?? `exit code ${code ?? 'unknown'}`);
    });
  });
}

/** Everything that runs on files of `dir`, whoever its parent is by now. */
function processesOf(dir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        const mine = `${command}\0${environment}`.includes(`${dir}/`);
        return mine ? [`${pid} (${command.split('\0')[0] ?? ''})`] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}
