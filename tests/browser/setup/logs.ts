import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { DIR_VARIABLE } from './stack.ts';

/** What the processes of the stack write from now on. */
export class Logs {
  readonly #begin: ReadonlyMap<string, number>;

  constructor() {
    this.#begin = new Map(files().map((file) => [file, statSync(file).size]));
  }

  /** Waits until the log of a service, over all its nodes, has a line like this. */
  async tell(service: string, line: RegExp): Promise<void> {
    await expect
      .poll(() => this.#read((name) => name.startsWith(`${service}-`)), {
        message: `${service} logs ${line.source}`,
      })
      .toMatch(line);
  }

  /** Fails where the text is in any log. */
  doNotTell(secret: string): void {
    expect(this.#read(() => true).includes(secret), 'the logs have a secret').toBe(false);
  }

  #read(wanted: (name: string) => boolean): string {
    return files()
      .filter((file) => wanted(file.slice(directory().length + 1)))
      .map((file) =>
        readFileSync(file)
          .subarray(this.#begin.get(file) ?? 0)
          .toString(),
      )
      .join('\n');
  }
}

function directory(): string {
  return join(process.env[DIR_VARIABLE] ?? '', 'logs');
}

function files(): string[] {
  return readdirSync(directory())
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(directory(), name));
}
