import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, freePorts } from './program.js';
import { until } from './wait.js';

const ECHO = process.env['ECHO_BIN'] ?? 'target/debug/examples/echo';

/**
 * Two `crates/socketio/examples/echo` behind HAProxy, which keeps each client at one of them by the
 * cookie SERVERID, as it does for the nodes of the product.
 */
export class EchoPair {
  #dir = mkdtempSync(join(tmpdir(), 'packtchat-interop-'));
  /** @type {Map<string, { port: number, args: string[], program: Program }>} */
  #echoes = new Map();
  /** @type {Program} */
  #haproxy;
  url;

  /**
   * @param {number} front
   * @param {number[]} ports
   * @param {string[]} args
   */
  constructor(front, ports, args) {
    this.url = `http://localhost:${front}`;
    ports.forEach((port, index) => {
      const all = ['--listen', `127.0.0.1:${port}`, ...args];
      this.#echoes.set(`echo-${index + 1}`, { port, args: all, program: new Program(ECHO, all) });
    });
    const file = join(this.#dir, 'haproxy.cfg');
    writeFileSync(file, haproxyConfig(front, ports));
    this.#haproxy = new Program('haproxy', ['-db', '-f', file]);
  }

  /** @param {string[]} args further arguments for both, see `echo --help` */
  static async start(...args) {
    const [front = 0, ...ports] = await freePorts(3);
    const pair = new EchoPair(front, ports, args);
    try {
      await pair.#haproxy.listensOn(front);
      await Promise.all([...pair.#echoes.keys()].map((name) => pair.#ready(name)));
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  /** @param {string} name */
  async kill(name) {
    const { program } = this.#echo(name);
    program.kill('SIGKILL');
    await program.ended;
  }

  /** Starts one that was killed. @param {string} name */
  async restart(name) {
    const echo = this.#echo(name);
    echo.program = new Program(ECHO, echo.args);
    await this.#ready(name);
  }

  async stop() {
    const programs = [this.#haproxy, ...[...this.#echoes.values()].map((echo) => echo.program)];
    programs.forEach((program) => program.kill('SIGKILL'));
    await Promise.all(programs.map((program) => program.ended));
    rmSync(this.#dir, { recursive: true });
  }

  /** @param {string} name */
  #echo(name) {
    const echo = this.#echoes.get(name);
    if (!echo) throw new Error(`there is no ${name}`);
    return echo;
  }

  /** Waits until clients get there. @param {string} name */
  async #ready(name) {
    const { port, program } = this.#echo(name);
    await program.listensOn(port);
    await until(`HAProxy sends clients to ${name}`, async () => {
      const headers = { cookie: `SERVERID=${name}` };
      const answer = await fetch(`${this.url}/socket.io/`, { headers });
      // It refuses what is no handshake. From elsewhere the client gets another cookie.
      return answer.status === 400 && !answer.headers.has('set-cookie') ? true : undefined;
    });
  }
}

/**
 * @param {number} front
 * @param {number[]} ports
 */
function haproxyConfig(front, ports) {
  const servers = ports.map(
    (port, index) => `    server echo-${index + 1} 127.0.0.1:${port} cookie echo-${index + 1}\n`,
  );
  return `
global
    log stdout format raw daemon
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    # Who is dead refuses at once; who is only slow, on a busy machine, is not.
    timeout check 10s
    timeout http-request 10s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
    retries 3
    option redispatch 1
frontend front
    bind 127.0.0.1:${front}
    default_backend echoes
backend echoes
    balance roundrobin
    cookie SERVERID insert indirect nocache httponly
    default-server check inter 100ms fall 1 rise 1 on-marked-down shutdown-sessions
${servers.join('')}`;
}
