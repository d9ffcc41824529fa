import { describe, expect, it } from 'vitest';
import { CELLS, PALETTES, drawingOf, initialOf } from './avatar';

describe('avatars', () => {
  it('are the same for the same person and differ between people', () => {
    const ids = Array.from({ length: 40 }, (_, i) => `0191e2a4-7c1e-7b2a-9f00-${i}`);
    expect(drawingOf('x')).toEqual(drawingOf('x'));
    const drawings = new Set(ids.map((id) => JSON.stringify(drawingOf(id))));
    expect(drawings.size).toBe(ids.length);
  });

  it('are symmetric', () => {
    const { cells } = drawingOf('someone');
    const filled = new Set(cells.map(({ x, y }) => `${x},${y}`));
    expect(filled.size).toBe(cells.length);
    for (const { x, y } of cells) expect(filled).toContain(`${CELLS - 1 - x},${y}`);
  });

  it('have a letter one can read on background and pattern alike', () => {
    for (const { background, pattern } of PALETTES) {
      expect(contrastWithWhite(background)).toBeGreaterThan(4.5);
      expect(contrastWithWhite(pattern)).toBeGreaterThan(4.5);
    }
  });

  it('show the first letter or digit', () => {
    expect(initialOf('alice')).toBe('A');
    expect(initialOf('_9lives')).toBe('9');
    expect(initialOf('ünal')).toBe('Ü');
    expect(initialOf('…')).toBe('?');
  });
});

/** By the Web Content Accessibility Guidelines, of which 4.5 is the least for text. */
function contrastWithWhite(hsl: string): number {
  const [hue = 0, saturation = 0, lightness = 0] = (hsl.match(/\d+/g) ?? []).map(Number);
  const chroma = (saturation / 100) * Math.min(lightness / 100, 1 - lightness / 100);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    const value = lightness / 100 - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(4);
  return 1.05 / (luminance + 0.05);
}
