// Writes src/wire/events.ts from proto/schemas; with --check, only tells whether it is up to date.
//
// The schemas use little of JSON Schema, and the general generators copy a type wherever a reference to it has a
// description of its own. This one knows that little, keeps the names, and stops at a keyword it does not know
// rather than write a type that says less than the schema.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { format, resolveConfig } from 'prettier';

const SCHEMAS = new URL('../../../../proto/schemas/', import.meta.url);
const OUTPUT = new URL('../src/wire/events.ts', import.meta.url);

/** Every type of every schema by name; what several schemas share is there once. */
async function readDefinitions() {
  const definitions = {};
  const define = (name, schema) => {
    if (definitions[name] !== undefined && !isDeepStrictEqual(definitions[name], schema)) {
      throw new Error(`proto/schemas has two different definitions of ${name}`);
    }
    definitions[name] = schema;
  };
  for (const file of (await readdir(SCHEMAS)).sort()) {
    const text = await readFile(new URL(file, SCHEMAS), 'utf8');
    const { $schema: _, $defs = {}, title, ...schema } = JSON.parse(text);
    define(title, schema);
    for (const [name, shared] of Object.entries($defs)) define(name, shared);
  }
  return definitions;
}

function comment({ description }) {
  if (description === undefined) return '';
  // Rust's links mean nothing here.
  const lines = description.replaceAll(/\[(`[^`]+`)\]/g, '$1').split('\n');
  return lines.length === 1 ? `/** ${lines[0]} */\n` : `/**\n * ${lines.join('\n * ')}\n */\n`;
}

const PRIMITIVES = { string: 'string', boolean: 'boolean', integer: 'number', null: 'null' };

/** The TypeScript of one schema. */
function type(schema) {
  // Bounds and formats are for validation: TypeScript has no word for them.
  const { description: _, format: __, minimum: ___, ...rest } = schema;
  const { $ref, const: constant, oneOf, type: kind, items, properties, required = [] } = rest;
  const known = (...keywords) => {
    const unknown = Object.keys(rest).filter((keyword) => !keywords.includes(keyword));
    if (unknown.length > 0)
      throw new Error(`no TypeScript for ${unknown} in ${JSON.stringify(schema)}`);
  };
  if ($ref !== undefined) {
    known('$ref');
    return $ref.replace('#/$defs/', '');
  }
  if (constant !== undefined) {
    known('const', 'type');
    return JSON.stringify(constant);
  }
  if (oneOf !== undefined) {
    known('oneOf');
    return oneOf.map((choice) => `\n${comment(choice)}| ${type(choice)}`).join('');
  }
  if (kind === 'array') {
    known('type', 'items');
    return `readonly ${type(items)}[]`;
  }
  if (kind === 'object') {
    known('type', 'properties', 'required');
    const members = Object.entries(properties).map(([name, property]) => {
      const optional = required.includes(name) ? '' : '?';
      return `${comment(property)}readonly ${name}${optional}: ${type(property)};`;
    });
    return `{\n${members.join('\n')}\n}`;
  }
  known('type');
  const names = [kind].flat().map((name) => PRIMITIVES[name]);
  if (names.includes(undefined)) throw new Error(`no TypeScript for ${JSON.stringify(schema)}`);
  return names.join(' | ');
}

const definitions = Object.entries(await readDefinitions()).map(
  ([name, schema]) => `${comment(schema)}export type ${name} = ${type(schema)};`,
);
const generated = await format(
  `// Generated from proto/schemas by \`npm run types\`. Do not edit.\n\n${definitions.join('\n\n')}\n`,
  { ...(await resolveConfig(OUTPUT)), parser: 'typescript' },
);

if (process.argv.includes('--check')) {
  const committed = await readFile(OUTPUT, 'utf8').catch(() => '');
  if (committed !== generated) {
    process.stderr.write('src/wire/events.ts does not match proto/schemas: run `npm run types`.\n');
    process.exit(1);
  }
} else {
  await writeFile(OUTPUT, generated);
}
