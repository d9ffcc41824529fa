// @vitest-environment node
import { readFileSync, readdirSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

const PROTO = new URL('../../../../../proto/', import.meta.url);

type Schema = Record<string, unknown>;

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, PROTO), 'utf8'));
}

/** The same schema, allowing no field it does not name: a new or renamed field is drift too. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema as Schema).map(([key, value]) => [key, closed(value)]),
  );
  return inner['type'] === 'object' ? { ...inner, additionalProperties: false } : inner;
}

const names = readdirSync(new URL('schemas/', PROTO)).map((file) => file.replace(/\.json$/, ''));
const ajv = new Ajv2020({ allErrors: true, strictTypes: false });
ajv.addFormat('uint32', { type: 'number', validate: (n: number) => n >= 0 && n < 2 ** 32 });
// What JavaScript cannot hold exactly would come out as another number.
ajv.addFormat('uint64', { type: 'number', validate: (n: number) => Number.isSafeInteger(n) });

it('has samples for every schema and schemas for every sample', () => {
  const samples = readdirSync(new URL('samples/', PROTO));
  expect(samples.map((file) => file.replace(/\.json$/, '')).sort()).toEqual(names.sort());
});

describe.each(names)('%s', (name) => {
  const schema = closed(read(`schemas/${name}.json`)) as Schema;
  const validate = ajv.compile(schema);
  const samples = read(`samples/${name}.json`) as Schema[];

  it('describes its samples', () => {
    expect(samples.length).toBeGreaterThan(0);
    for (const sample of samples) {
      expect(validate(sample), JSON.stringify(validate.errors)).toBe(true);
    }
  });

  it('refuses a sample with a field missing, misnamed or of another type', () => {
    for (const sample of samples) {
      for (const field of Object.keys(sample)) {
        const { [field]: value, ...others } = sample;
        const required = (schema['required'] as string[]).includes(field);
        expect(validate(others), `without ${field}`).toBe(!required);
        expect(validate({ ...others, [`${field}_`]: value }), `with ${field}_`).toBe(false);
        expect(validate({ ...others, [field]: { wrong: 1 } }), `with a wrong ${field}`).toBe(false);
      }
    }
  });
});
