/** @typedef {import('./person.js').Person} Person */
/** @typedef {import('./reader.js').Reading} Reading */
/** @typedef {import('./verify.js').Verdict} Verdict */
/** @typedef {{ p50: number, p95: number, p99: number, max: number }} Percentiles milliseconds */

/**
 * What has happened so far, in one line.
 * @param {number} seconds since the beginning
 * @param {Person[]} people
 * @param {Reading} reading
 */
export function progress(seconds, people, reading) {
  const { sent, acknowledged, delivered, reconnections } = chatCounts(people);
  const present = people.filter((person) => person.present).length;
  return (
    `${String(Math.round(seconds)).padStart(4)} s: sent ${sent}, acknowledged ${acknowledged}, ` +
    `delivered ${delivered}, present ${present}/${people.length}, reconnections ${reconnections}; ` +
    `requests ${reading.requests}, failed ${reading.failed}`
  );
}

/**
 * @param {Person[]} people
 * @param {Reading} reading
 * @param {Verdict[]} verdicts
 */
export function summary(people, reading, verdicts) {
  const sum = (/** @type {'lost' | 'doubled' | 'outOfOrder' | 'unacknowledged'} */ kind) =>
    verdicts.reduce((total, verdict) => total + verdict[kind], 0);
  return {
    people: people.length,
    ...chatCounts(people),
    lost: sum('lost'),
    doubled: sum('doubled'),
    outOfOrder: sum('outOfOrder'),
    unacknowledged: sum('unacknowledged'),
    holesClosed: people.reduce((total, person) => total + person.holes, 0),
    longestGapMs: Math.max(...people.map((person) => person.longestGap)),
    requests: reading.requests,
    failedRequests: reading.failed,
    retriedRequests: reading.retried,
    acknowledgedInMs: percentiles(people.flatMap((person) => person.acknowledgements)),
    deliveredInMs: percentiles(people.flatMap((person) => person.deliveries)),
    answeredInMs: percentiles(reading.times),
    faults: [...verdicts.flatMap((verdict) => verdict.faults), ...reading.failures],
  };
}

/** @typedef {ReturnType<typeof summary>} Summary */

/** Was nothing missed? @param {Summary} counts */
export function isClean({ lost, doubled, outOfOrder, unacknowledged, failedRequests }) {
  return lost + doubled + outOfOrder + unacknowledged + failedRequests === 0;
}

/** For people. @param {Summary} counts */
export function toText(counts) {
  const times = (/** @type {Percentiles} */ { p50, p95, p99, max }) =>
    `half within ${p50} ms, 95 % ${p95}, 99 % ${p99}, all ${max}`;
  return [
    `messages: ${counts.sent} sent, ${counts.acknowledged} acknowledged, ${counts.delivered} delivered`,
    `faults: ${counts.lost} lost, ${counts.doubled} doubled, ${counts.outOfOrder} out of order, ` +
      `${counts.unacknowledged} not acknowledged`,
    `connections: ${counts.reconnections} reconnections, longest gap ${counts.longestGapMs} ms, ` +
      `${counts.holesClosed} holes closed by fetching`,
    `requests: ${counts.requests} made, ${counts.failedRequests} failed, ` +
      `${counts.retriedRequests} repeated because a kept connection was closed`,
    `acknowledged: ${times(counts.acknowledgedInMs)}`,
    `delivered: ${times(counts.deliveredInMs)}`,
    `answered: ${times(counts.answeredInMs)}`,
    ...counts.faults.map((fault) => `fault: ${fault}`),
  ].join('\n');
}

/** @param {Person[]} people */
function chatCounts(people) {
  const sum = (/** @type {(person: Person) => number} */ of) =>
    people.reduce((total, person) => total + of(person), 0);
  return {
    sent: sum(({ posts }) => posts.length),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    delivered: sum(({ member }) => member.received),
    reconnections: sum(({ connections }) => Math.max(0, connections - 1)),
  };
}

/**
 * @param {number[]} times
 * @returns {Percentiles}
 */
function percentiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
