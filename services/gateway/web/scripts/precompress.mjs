// Writes name.br and name.gz beside every text file of a build, where that is smaller, so that the gateway
// compresses nothing while it serves.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const TEXT = new Set(['.css', '.html', '.js', '.json', '.svg', '.txt', '.webmanifest']);
/** Bytes. Below this, the headers outweigh what compression saves. */
const SMALLEST = 1000;

const compressors = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  gz: (bytes) => promisify(gzip)(bytes, { level: 9 }),
};

const [root] = process.argv.slice(2);
if (root === undefined) throw new Error('usage: precompress.mjs DIRECTORY');

const entries = await readdir(join(root, 'assets'), { withFileTypes: true });
for (const entry of entries.filter((e) => e.isFile() && TEXT.has(extname(e.name)))) {
  const path = join(root, 'assets', entry.name);
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST) continue;
  for (const [suffix, compress] of Object.entries(compressors)) {
    const smaller = await compress(bytes);
    if (smaller.length < bytes.length) await writeFile(`${path}.${suffix}`, smaller);
  }
}
