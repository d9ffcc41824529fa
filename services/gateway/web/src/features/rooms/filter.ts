import type { Room } from '../../wire/events';

/** The rooms whose name contains what was typed, whatever its case, accents left out of account. */
export function matching(rooms: readonly Room[], typed: string): readonly Room[] {
  const wanted = plain(typed.trim());
  return wanted === '' ? rooms : rooms.filter((room) => plain(room.name).includes(wanted));
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
}
