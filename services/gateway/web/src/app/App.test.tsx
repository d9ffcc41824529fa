import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { App } from './App';
import { browserAddress } from './address';
import { ChatClient } from './client';
import { ScriptedServer, alice, bob } from './scriptedServer';

let server: ScriptedServer;

/** Shows the client at this address, connected. */
async function open(hash: string) {
  history.replaceState(null, '', `/chat${hash}`);
  const client = new ChatClient(server, browserAddress('/account/login'), 4000);
  const follow = () => {
    act(() => {
      client.followAddress();
    });
  };
  window.addEventListener('hashchange', follow);
  stop = () => {
    window.removeEventListener('hashchange', follow);
  };
  client.start();
  render(<App client={client} messageChars={4000} />);
  await act(async () => {
    server.connect();
    await Promise.resolve();
  });
}

let stop: () => void;

function type(field: HTMLElement, value: string) {
  fireEvent.change(field, { target: { value } });
}

const field = (name: string) => screen.getByRole('textbox', { name });

beforeEach(() => {
  server = new ScriptedServer();
  server.users.push(bob);
});

afterEach(() => {
  cleanup();
  stop();
});

describe('a session that ends', () => {
  it('leaves an empty page', async () => {
    server.rooms.push({ id: 'lobby', name: 'lobby' });
    await open('#room/lobby');
    expect(await screen.findByRole('heading', { name: 'lobby' })).toBeTruthy();
    const replace = vi.spyOn(location, 'replace').mockImplementation(() => undefined);
    act(() => {
      server.putOut();
    });
    expect(document.body.textContent).toBe('One moment: are you still signed in?');
    expect(document.title).toBe('PacktChat');
    act(() => {
      server.listener.unauthenticated();
    });
    expect(document.body.textContent).toBe('You are signed out.');
    expect(replace).toHaveBeenCalledExactlyOnceWith(
      '/account/login?next=%2Fchat&ended=1#room/lobby',
    );
  });
});

describe('the list of rooms', () => {
  it('says that there are none, and makes the first', async () => {
    await open('');
    expect(await screen.findByText('No rooms yet. Create the first one.')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Create room' }));
    expect(screen.getByText('Please enter a room name')).toBeTruthy();
    type(field('Room name'), '  Größe / 東京  ');
    fireEvent.click(screen.getByRole('button', { name: 'Create room' }));
    expect(await screen.findByRole('heading', { name: 'Größe / 東京' })).toBeTruthy();
    expect(location.hash).toBe(`#room/${encodeURIComponent('Größe / 東京')}`);
  });

  it('shows why a name was refused, at the field that still has it', async () => {
    await open('');
    server.failNext('AddRoom', 'invalid');
    type(field('Room name'), 'bad');
    fireEvent.click(screen.getByRole('button', { name: 'Create room' }));
    const message = await screen.findByText('Refused: invalid');
    const input = field('Room name');
    expect(input).toHaveProperty('value', 'bad');
    expect(input.getAttribute('aria-invalid')).toBe('true');
    expect(input.getAttribute('aria-describedby')).toBe(message.id);
    type(input, 'badly');
    expect(screen.queryByText('Refused: invalid')).toBeNull();
  });

  it('is filtered as one types, and kept up to date', async () => {
    for (const name of ['lobby', 'garden']) server.rooms.push({ id: name, name });
    await open('');
    const list = screen.getByRole('list', { name: 'Rooms' });
    const names = () =>
      within(list)
        .queryAllByRole('link')
        .map((link) => link.textContent);
    await waitFor(() => {
      expect(names()).toEqual(['lobby', 'garden']);
    });
    type(screen.getByRole('searchbox', { name: 'Find a room' }), 'GA');
    expect(names()).toEqual(['garden']);
    act(() => {
      server.listener.pushed('AddRoom', { id: 'gallery', name: 'gallery' });
    });
    expect(names()).toEqual(['gallery', 'garden']);
    type(screen.getByRole('searchbox', { name: 'Find a room' }), 'zebra');
    expect(screen.getByText('No room matches “zebra”.')).toBeTruthy();
  });
});

describe('a room', () => {
  it('is opened by its link, with its people and messages, ready to type', async () => {
    server.store(bob, 'hello\nhttps://example.org/');
    server.store(bob, 'again');
    server.store(alice, 'mine');
    await open('#room/lobby');
    const log = await screen.findByRole('log', { name: 'Messages in lobby' });
    await within(log).findByText('mine');
    const messages = within(log).getAllByRole('listitem');
    expect(messages.map((message) => message.dataset['seq'])).toEqual(['1', '2', '3']);
    expect(messages.map((message) => message.classList.contains('message--mine'))).toEqual([
      false,
      false,
      true,
    ]);
    expect(within(log).getAllByText('bob')).toHaveLength(2);
    const link = within(log).getByRole('link', { name: 'https://example.org/' });
    expect(link.getAttribute('rel')).toContain('noopener');
    const people = screen.getByRole('list', { name: 'People in this room' });
    expect(
      within(people)
        .getAllByRole('listitem')
        .map((item) => item.textContent),
    ).toEqual(['Aaliceyou', 'Bbob']);
    expect(document.activeElement).toBe(field('Message'));
    expect(document.title).toBe('lobby · PacktChat');
  });

  it('shows what people say as text', async () => {
    server.store(bob, '<img src=x onerror=alert(1)>');
    await open('#room/lobby');
    expect(await screen.findByText('<img src=x onerror=alert(1)>')).toBeTruthy();
    expect(document.querySelector('img')).toBeNull();
  });

  it('sends on Enter, breaks the line on Shift+Enter, and waits for the input method', async () => {
    await open('#room/lobby');
    const input = await screen.findByRole('textbox', { name: 'Message' });
    type(input, 'hello');
    fireEvent.keyDown(input, { key: 'Enter', shiftKey: true });
    fireEvent.keyDown(input, { key: 'Enter', isComposing: true });
    expect(server.chats).toEqual([]);
    fireEvent.keyDown(input, { key: 'Enter' });
    await waitFor(() => {
      expect(document.querySelector('li[data-seq="1"]')?.textContent).toContain('hello');
    });
    expect(input).toHaveProperty('value', '');
  });

  it('says what is wrong with a message', async () => {
    await open('#room/lobby');
    const input = await screen.findByRole('textbox', { name: 'Message' });
    fireEvent.click(screen.getByRole('button', { name: 'Send' }));
    const message = screen.getByText('Please enter a message');
    expect(message.getAttribute('role')).toBe('alert');
    expect(input.getAttribute('aria-describedby')?.split(' ')).toContain(message.id);
    type(input, 'x'.repeat(4001));
    expect(screen.queryByText('Please enter a message')).toBeNull();
    expect(screen.getByText('4,001 of 4,000 characters')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Send' }));
    expect(
      screen.getByText('A message has at most 4,000 characters, this one has 4,001'),
    ).toBeTruthy();
    expect(input).toHaveProperty('value', 'x'.repeat(4001));
  });

  it('shows what is on its way while there is no connection', async () => {
    await open('#room/lobby');
    const input = await screen.findByRole('textbox', { name: 'Message' });
    act(() => {
      server.disconnect();
    });
    expect(await screen.findByText('Connection lost. Trying again…')).toBeTruthy();
    type(input, 'hello');
    fireEvent.click(screen.getByRole('button', { name: 'Send' }));
    expect(screen.getByText('Waiting…')).toBeTruthy();
    act(() => {
      server.connect();
    });
    await waitFor(() => {
      expect(screen.queryByText('Waiting…')).toBeNull();
    });
    expect(screen.getByText('hello').closest('li')?.dataset['seq']).toBe('1');
    expect(screen.queryByText('Connection lost. Trying again…')).toBeNull();
  });

  it('counts in the title what is said while nobody looks', async () => {
    await open('#room/lobby');
    await screen.findByRole('heading', { name: 'lobby' });
    const look = (hidden: boolean) => {
      vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden);
      act(() => {
        document.dispatchEvent(new Event('visibilitychange'));
      });
    };
    look(true);
    act(() => {
      server.listener.pushed('AddChat', server.store(bob, 'one'));
      server.listener.pushed('AddChat', server.store(bob, 'two'));
      server.listener.pushed('AddChat', server.store(alice, 'from my phone'));
    });
    expect(document.title).toBe('(2) lobby · PacktChat');
    look(false);
    expect(document.title).toBe('lobby · PacktChat');
  });

  it('tells who comes and goes', async () => {
    await open('#room/lobby');
    await screen.findByRole('list', { name: 'People in this room' });
    await screen.findByText('bob');
    act(() => {
      server.listener.pushed('RemoveUser', { ...bob, room: 'lobby' });
    });
    expect(screen.getByText('bob left')).toBeTruthy();
    expect(screen.queryByText('bob')).toBeNull();
  });

  it('that is removed leaves one at the list, with a word', async () => {
    await open('#room/lobby');
    await screen.findByRole('heading', { name: 'lobby' });
    act(() => {
      server.listener.pushed('RemoveRoom', { id: 'lobby', name: 'lobby' });
    });
    expect(screen.getByText(/The room “lobby” was removed/).getAttribute('role')).toBe('alert');
    expect(document.activeElement).toBe(screen.getByRole('heading', { name: 'Rooms' }));
    expect(location.hash).toBe('');
  });
});
