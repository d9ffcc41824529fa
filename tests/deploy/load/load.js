import { existsSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { HttpClient } from './http.js';
import { USAGE, parse } from './options.js';
import { pace, until } from './pace.js';
import { Person } from './person.js';
import { Reader } from './reader.js';
import { register } from './registration.js';
import { isClean, progress, summary, toText } from './report.js';
import { verify } from './verify.js';

/** People who register at the same time: passwords are slow on purpose. */
const REGISTRATIONS_AT_ONCE = 4;
const PROGRESS_MS = 5_000;
/** Milliseconds within which everybody is in their room. */
const ENTER_MS = 30_000;
/** Milliseconds after the end within which what was written is stored, and read by everybody. */
const SETTLE_MS = 45_000;

/** @typedef {import('./options.js').Options} Options */

const options = readOptions();
let interrupted = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => (interrupted = true));
}
try {
  process.exitCode = (await run(options)) ? 0 : 1;
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 2;
}

/** @returns {Options} */
function readOptions() {
  try {
    const parsed = parse(process.argv.slice(2));
    if (parsed !== 'help') return parsed;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

/**
 * @param {Options} options
 * @returns {Promise<boolean>} whether nothing was missed
 */
async function run({ url, people: count, rooms, rate, requests, polling, ...options }) {
  console.log(`registering ${count} people at ${url.origin}`);
  const accounts = await registerAll(url, count, options.insecure);
  const run = randomBytes(4).toString('hex');
  const people = accounts.map(
    (account, index) =>
      new Person(url, account, {
        room: `load ${run} ${index % rooms}`,
        // Evenly over the people, and so over the rooms.
        polls: Math.floor((index + 1) * polling) > Math.floor(index * polling),
        insecure: options.insecure,
      }),
  );
  const cookies = accounts.map(({ cookie }) => cookie);
  const reader = new Reader(url, cookies, options);
  try {
    for (const person of people) person.start();
    if (!(await until(() => people.every(({ present }) => present), ENTER_MS))) {
      const absent = people.filter(({ present }) => !present).length;
      throw new Error(`${absent} of ${count} people could not enter their room in ${ENTER_MS} ms`);
    }
    console.log('The load has begun');
    await talk(people, reader, { rate, requests, ...options });
    console.log('The load has ended; waiting for what is under way');
    await until(() => isSettled(people) && reader.isIdle, SETTLE_MS);
    return await judge(people, reader, options.json);
  } finally {
    for (const person of people) person.close();
    reader.close();
  }
}

/**
 * @param {URL} url
 * @param {number} count
 * @param {boolean} insecure
 */
async function registerAll(url, count, insecure) {
  const http = new HttpClient({ keepAlive: true, insecure });
  /** @type {import('./registration.js').Account[]} */
  const accounts = [];
  let left = count;
  const some = async () => {
    while (left-- > 0) accounts.push(await register(http, url));
  };
  const tell = setInterval(
    () => console.log(`registered ${accounts.length}/${count}`),
    PROGRESS_MS,
  );
  try {
    await Promise.all(Array.from({ length: REGISTRATIONS_AT_ONCE }, some));
  } finally {
    clearInterval(tell);
    http.close();
  }
  return accounts;
}

/**
 * Lets people write and read until it is time to end.
 * @param {Person[]} people
 * @param {Reader} reader
 * @param {Pick<Options, 'rate' | 'requests' | 'seconds' | 'untilFile'>} options
 */
async function talk(people, reader, { rate, requests, seconds, untilFile }) {
  const begun = Date.now();
  let turn = 0;
  const stops = [
    pace(rate, () => people[turn++ % people.length]?.write()),
    pace(requests, () => void reader.read()),
    pace(1000 / PROGRESS_MS, () =>
      console.log(progress((Date.now() - begun) / 1000, people, reader.reading)),
    ),
  ];
  const isOver = () => interrupted || (untilFile !== undefined && existsSync(untilFile));
  await until(isOver, seconds * 1000);
  for (const stop of stops) stop();
}

/** Is all stored that was written, and has everybody read it? @param {Person[]} people */
function isSettled(people) {
  /** @type {Map<string, number>} */
  const written = new Map();
  for (const { room, posts } of people) {
    written.set(room, (written.get(room) ?? 0) + posts.length);
  }
  return people.every(
    (person) => person.settled && person.member.whole === written.get(person.room),
  );
}

/**
 * @param {Person[]} people
 * @param {Reader} reader
 * @param {string | undefined} json
 */
async function judge(people, reader, json) {
  const verdicts = [];
  for (const room of new Set(people.map((person) => person.room))) {
    const members = people.filter((person) => person.room === room);
    const witness = members.find(({ present }) => present);
    if (!witness) throw new Error(`nobody is left in ${room} to say what is stored`);
    verdicts.push(verify(room, members, await witness.history()));
  }
  const counts = summary(people, reader.reading, verdicts);
  console.log(toText(counts));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(counts, null, 2)}\n`);
  return isClean(counts);
}
