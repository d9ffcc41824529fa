import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import { until } from './wait.js';

/** The top folder of the project. */
export const ROOT = resolve(import.meta.dirname, '../../..');

/** @type {Set<Program>} */
const running = new Set();
// Also when a test file ends by an error, or by its time limit.
process.on('exit', () => running.forEach((program) => program.kill('SIGKILL')));
process.once('SIGTERM', () => process.exit(1));

/** A program that runs, with all it said. */
export class Program {
  output = '';

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {Record<string, string>} variables on top of this process's environment
   */
  constructor(command, args, variables = {}) {
    this.child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this);
    const keep = (/** @type {Buffer} */ text) => (this.output += text.toString());
    this.child.stdout.on('data', keep);
    this.child.stderr.on('data', keep);
    this.ended = once(this.child, 'close').then(
      () => running.delete(this),
      (error) => (this.output += `${command}: ${error.message}`),
    );
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    this.child.kill(signal);
  }

  /** Fails, with what the program said, when it runs no longer. */
  assertRuns() {
    const { exitCode, signalCode, spawnargs } = this.child;
    if (this.child.pid === undefined || exitCode !== null || signalCode !== null) {
      throw new Error(`ended (${exitCode ?? signalCode}): ${spawnargs.join(' ')}\n${this.output}`);
    }
  }

  /** Waits until somebody listens on that port of 127.0.0.1. @param {number} port */
  async listensOn(port) {
    await until(`${this.child.spawnfile} listens on port ${port}`, async () => {
      this.assertRuns();
      return (await answers(port)) || undefined;
    });
  }
}

/** @param {number} port */
async function answers(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Ports of 127.0.0.1 where nobody listens, none twice. @param {number} count */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
