/**
 * What one member of a room has been given of it, and what was wrong with how.
 *
 * Messages come by push, and by fetch where pushes were missed. A fetch may bring what a push brings as well; two pushes
 * of one message are a fault, and so is a push that does not come after the ones before it on the same connection.
 */
export class Member {
  /** The id at each `seq`. @type {Map<number, string>} */
  #ids = new Map();
  /** @type {Set<number>} */
  #pushed = new Set();
  #lastPushed = 0;
  #highest = 0;
  /** All up to this one are there. */
  whole = 0;
  doubled = 0;
  outOfOrder = 0;

  get received() {
    return this.#ids.size;
  }

  /** Is one missing before the newest? */
  get hasHole() {
    return this.#highest > this.whole;
  }

  /** A new connection: pushes begin anew. */
  connected() {
    this.#lastPushed = 0;
  }

  /**
   * @param {{ seq: number, id: string }} chat
   * @returns {boolean} whether it is new
   */
  push({ seq, id }) {
    if (this.#pushed.has(seq)) this.doubled += 1;
    else if (seq < this.#lastPushed) this.outOfOrder += 1;
    this.#pushed.add(seq);
    this.#lastPushed = Math.max(this.#lastPushed, seq);
    return this.#put(seq, id);
  }

  /** @param {{ seq: number, id: string }} chat */
  fetched({ seq, id }) {
    return this.#put(seq, id);
  }

  /** The id of the message at that place. @param {number} seq */
  at(seq) {
    return this.#ids.get(seq);
  }

  /**
   * @param {number} seq
   * @param {string} id
   */
  #put(seq, id) {
    const before = this.#ids.get(seq);
    if (before !== undefined) {
      if (before !== id) this.outOfOrder += 1;
      return false;
    }
    this.#ids.set(seq, id);
    this.#highest = Math.max(this.#highest, seq);
    while (this.#ids.has(this.whole + 1)) this.whole += 1;
    return true;
  }
}
