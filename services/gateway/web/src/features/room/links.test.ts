import { describe, expect, it } from 'vitest';
import { pieces } from './links';

const links = (text: string) => pieces(text).flatMap(({ href }) => (href === null ? [] : [href]));

describe('links in a message', () => {
  it.each([
    ['see https://example.org/a?b=c#d now', 'https://example.org/a?b=c#d'],
    ['at http://localhost:8080/chat.', 'http://localhost:8080/chat'],
    ['(in https://example.org/x)', 'https://example.org/x'],
    ['https://example.org/a_(b)!', 'https://example.org/a_(b)'],
    ['(https://example.org/a_(b)).', 'https://example.org/a_(b)'],
    ['HTTPS://EXAMPLE.ORG', 'HTTPS://EXAMPLE.ORG'],
    ['<https://example.org/>', 'https://example.org/'],
  ])('%s', (text, link) => {
    expect(links(text)).toEqual([link]);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', 'https://', 'xhttps://a', 'example.org'])(
    'not %s',
    (text) => {
      expect(links(text)).toEqual([]);
    },
  );

  it('keeps every character', () => {
    const text = ' a\n\nhttps://a.example, https://b.example/?q=(1)). <b>ü 🎉 ';
    expect(
      pieces(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text);
    expect(links(text)).toEqual(['https://a.example', 'https://b.example/?q=(1)']);
  });
});
