/** Background, pattern and letter, all of one hue; the letter stands out from both others. */
export interface Palette {
  readonly background: string;
  readonly pattern: string;
  readonly letter: string;
}

const HUES = [8, 32, 84, 130, 158, 178, 198, 216, 238, 262, 288, 326];

export const PALETTES: readonly Palette[] = HUES.map((hue) => ({
  background: `hsl(${hue} 46% 24%)`,
  pattern: `hsl(${hue} 44% 31%)`,
  letter: '#ffffff',
}));

/** Cells per side of the pattern. */
export const CELLS = 5;

export interface Drawing {
  readonly palette: Palette;
  /** Filled cells, mirrored left to right. */
  readonly cells: readonly { readonly x: number; readonly y: number }[];
}

/** The drawing that belongs to this id, always the same. No one else is asked, so no one learns who chats. */
export function drawingOf(id: string): Drawing {
  const hash = fnv1a(id);
  const half = Math.ceil(CELLS / 2);
  const cells = [];
  for (let y = 0; y < CELLS; y++) {
    for (let x = 0; x < half; x++) {
      if (((hash >>> (y * half + x)) & 1) === 0) continue;
      cells.push({ x, y });
      if (x !== CELLS - 1 - x) cells.push({ x: CELLS - 1 - x, y });
    }
  }
  // The upper bits, of which the pattern has used none.
  const palette = PALETTES[Math.floor((hash >>> 15) % PALETTES.length)] ?? PALETTES[0];
  if (palette === undefined) throw new Error('there is no palette');
  return { palette, cells };
}

/** The first letter or digit of a name, in upper case. */
export function initialOf(name: string): string {
  return (/[\p{Letter}\p{Number}]/u.exec(name)?.[0] ?? '?').toLocaleUpperCase();
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  // Ids that differ only at the end would otherwise look alike.
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
