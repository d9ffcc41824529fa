import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { DIR_VARIABLE } from './stack.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

/** Has an operator disable or enable an account of the stack. */
export async function accounts(command: 'disable' | 'enable', username: string): Promise<void> {
  const program = process.env['PACKTCHAT_BIN'] ?? join(REPOSITORY, 'target/debug/packtchat');
  const dir = process.env[DIR_VARIABLE] ?? '';
  await promisify(execFile)(program, ['accounts', command, username, '--dir', dir], {
    cwd: REPOSITORY,
  });
}
