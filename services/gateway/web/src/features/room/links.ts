/** A stretch of a message's text; `href` where it is a web address. */
export interface Piece {
  readonly text: string;
  readonly href: string | null;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/giu;
/** What more likely belongs to the sentence than to the address it ends with. */
const TRAILING = /[.,;:!?…]+$/u;

/** Cuts a text into plain stretches and web addresses. Put together again, the pieces are the text. */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutSentence(match[0]);
    if (!URL.canParse(address)) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index), href: null });
    found.push({ text: address, href: address });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), href: null });
  return found;
}

/** Without the sentence's full stop, nor the bracket the whole address stands in. */
function withoutSentence(address: string): string {
  let short = address.replace(TRAILING, '');
  while (short.endsWith(')') && count(short, ')') > count(short, '(')) {
    short = short.slice(0, -1).replace(TRAILING, '');
  }
  return short;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
