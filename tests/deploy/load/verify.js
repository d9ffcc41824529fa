/**
 * @typedef {object} Verdict
 * @property {number} lost
 * @property {number} doubled
 * @property {number} outOfOrder
 * @property {number} unacknowledged
 * @property {string[]} faults the first of them, for people
 */

/** @typedef {Pick<import('./person.js').Person, 'name' | 'member' | 'posts' | 'acknowledged' | 'stranded'>} Witness */
/** @typedef {{ seq: number, id: string }} Stored */

/** Faults that are told in full. */
const MOST_TOLD = 10;

/**
 * Judges one room: what was acknowledged is stored once, at the place that was acknowledged and in the order it was
 * written, and every member has all that is stored.
 * @param {string} room
 * @param {Witness[]} people who were there from the beginning
 * @param {{ chats: Stored[], gap: boolean }} history
 * @returns {Verdict}
 */
export function verify(room, people, history) {
  /** @type {Verdict} */
  const verdict = { lost: 0, doubled: 0, outOfOrder: 0, unacknowledged: 0, faults: [] };
  const fault = (
    /** @type {'lost' | 'doubled' | 'outOfOrder' | 'unacknowledged'} */ kind,
    /** @type {string} */ text,
  ) => {
    verdict[kind] += 1;
    if (verdict.faults.length < MOST_TOLD) verdict.faults.push(`${room}: ${text}`);
  };
  if (history.gap) fault('lost', 'the server has removed messages of it already');

  /** @type {Map<string, number>} */
  const places = new Map();
  history.chats.forEach(({ seq, id }, index) => {
    if (places.has(id)) fault('doubled', `${id} is stored at ${places.get(id)} and at ${seq}`);
    else places.set(id, seq);
    if (seq !== index + 1) fault('outOfOrder', `number ${index + 1} of what is stored is ${seq}`);
  });

  for (const person of people) {
    verifyPosts(person, places, fault);
    verifyMember(person, history.chats, fault);
  }
  return verdict;
}

/**
 * @param {Witness} person
 * @param {Map<string, number>} places
 * @param {(kind: 'lost' | 'outOfOrder' | 'unacknowledged', text: string) => void} fault
 */
function verifyPosts({ name, posts, acknowledged, stranded }, places, fault) {
  let last = 0;
  posts.forEach(({ id, number, seq }, index) => {
    const what = `message ${number} of ${name}`;
    if (index >= acknowledged) {
      fault(
        'unacknowledged',
        `${what} was not acknowledged${stranded ? `: ${name} ${stranded}` : ''}`,
      );
      return;
    }
    const place = places.get(id);
    if (place === undefined) {
      fault('lost', `${what} was acknowledged as ${seq} and is not stored`);
      return;
    }
    if (place !== seq) fault('outOfOrder', `${what} was acknowledged as ${seq} and is at ${place}`);
    if (place < last) fault('outOfOrder', `${what} is at ${place}, the one before it at ${last}`);
    last = place;
  });
}

/**
 * @param {Witness} person
 * @param {Stored[]} chats
 * @param {(kind: 'lost' | 'doubled' | 'outOfOrder', text: string) => void} fault
 */
function verifyMember({ name, member }, chats, fault) {
  for (const { seq, id } of chats) {
    const had = member.at(seq);
    if (had === undefined) fault('lost', `${name} never got ${seq}`);
    else if (had !== id) fault('outOfOrder', `${name} got ${had} as ${seq}, where ${id} is stored`);
  }
  for (let more = chats.length; more < member.received; more += 1) {
    fault('lost', `${name} got a message that is not stored`);
  }
  for (let times = 0; times < member.doubled; times += 1) {
    fault('doubled', `${name} was sent a message twice`);
  }
  for (let times = 0; times < member.outOfOrder; times += 1) {
    fault('outOfOrder', `${name} was sent a message in the wrong place`);
  }
}
