import { parseArgs } from 'node:util';

export const USAGE = `usage: node load.js --url URL [OPTION ...]

Registers people, lets them talk in rooms and read pages, and tells what they missed. Meant to run while the PacktChat
at URL is deployed, scaled or broken. The gateways need PACKTCHAT__THROTTLE__REGISTRATIONS=0, since all people come
from one address.

  --url URL          where PacktChat is, such as http://localhost:8080
  --people N         how many people (default 20)
  --rooms R          in how many rooms they are (default 2)
  --rate M           messages per second, of all people together (default 10)
  --requests Q       pages and files per second, all together (default 10)
  --polling SHARE    the share of people who poll instead of using a WebSocket, 0 to 1 (default 0.25)
  --seconds S        how long (default 30, with --until-file 1800)
  --until-file FILE  ends when FILE is there, after S seconds at the latest
  --insecure         takes any certificate
  --json FILE        writes the counts to FILE, too

"The load has begun" is printed when everybody is in their room. Exit status: 0 when nothing was missed; 1 when a message
was lost, doubled, out of order or not acknowledged, or a request failed; 2 when there was no load, or nobody is left to tell.`;

/**
 * @typedef {object} Options
 * @property {URL} url
 * @property {number} people
 * @property {number} rooms
 * @property {number} rate messages per second
 * @property {number} requests per second
 * @property {number} polling the share of people who poll
 * @property {number} seconds
 * @property {string | undefined} untilFile
 * @property {boolean} insecure
 * @property {string | undefined} json
 */

/** What one person may send per second by default: more would measure the limit. */
const PERSONS_RATE = 10;

/**
 * @param {string[]} args
 * @returns {Options | 'help'}
 */
export function parse(args) {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: 'string' },
      people: { type: 'string', default: '20' },
      rooms: { type: 'string', default: '2' },
      rate: { type: 'string', default: '10' },
      requests: { type: 'string', default: '10' },
      polling: { type: 'string', default: '0.25' },
      seconds: { type: 'string' },
      'until-file': { type: 'string' },
      insecure: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.url === undefined || !URL.canParse(values.url)) {
    throw new Error('--url needs the address of a PacktChat, such as http://localhost:8080');
  }
  const untilFile = values['until-file'];
  const people = number('people', values.people, 1);
  const rooms = number('rooms', values.rooms, 1);
  const rate = number('rate', values.rate, 0);
  if (!Number.isInteger(people) || !Number.isInteger(rooms)) {
    throw new Error('--people and --rooms need whole numbers');
  }
  if (rooms > people) throw new Error('--rooms needs at most as many rooms as there are people');
  if (rate / people > PERSONS_RATE) {
    const least = Math.ceil(rate / PERSONS_RATE);
    throw new Error(`one person may send ${PERSONS_RATE} messages per second: --people ${least}`);
  }
  return {
    url: new URL(values.url),
    people,
    rooms,
    rate,
    requests: number('requests', values.requests, 0),
    polling: number('polling', values.polling, 0, 1),
    seconds: number('seconds', values.seconds ?? (untilFile === undefined ? '30' : '1800'), 1),
    untilFile,
    insecure: values.insecure,
    json: values.json,
  };
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 * @param {number} [most]
 */
function number(name, text, least, most = 1_000_000) {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new Error(`--${name} is ${text}; it needs to be a number from ${least} to ${most}`);
  }
  return value;
}
