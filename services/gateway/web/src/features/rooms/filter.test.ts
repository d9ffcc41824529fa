import { describe, expect, it } from 'vitest';
import { matching } from './filter';

const rooms = ['Lobby', 'Größe 東京 🎉', 'lost & found'].map((name) => ({ id: name, name }));
const found = (typed: string) => matching(rooms, typed).map(({ name }) => name);

describe('finding a room', () => {
  it('takes part of the name, in any case, with or without accents', () => {
    expect(found('  ')).toEqual(['Lobby', 'Größe 東京 🎉', 'lost & found']);
    expect(found('LO')).toEqual(['Lobby', 'lost & found']);
    expect(found('gro')).toEqual(['Größe 東京 🎉']);
    expect(found('京')).toEqual(['Größe 東京 🎉']);
    expect(found('zebra')).toEqual([]);
  });
});
