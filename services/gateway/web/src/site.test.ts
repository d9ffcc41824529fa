import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const PAGE = `
  <div class="card">
    <form class="form" method="post" action="/account/login?next=%2Fchat"></form>
    <a href="/account/register">Register</a>
    <a class="button provider" href="/auth/google">Google</a>
    <a class="button provider" href="/auth/google?next=%2Fchat">Google</a>
  </div>
  <div class="account"><time datetime="2020-02-02T02:02:02Z">2 February 2020, 02:02 UTC</time></div>`;

const action = () => document.querySelector('form')?.action;
const link = (index: number) => document.querySelectorAll('a')[index]?.href;

async function load(hash: string) {
  history.replaceState(null, '', `/account/login${hash}`);
  document.body.innerHTML = PAGE;
  await import('./site');
}

beforeEach(() => {
  vi.resetModules();
});

afterEach(() => {
  document.body.innerHTML = '';
});

describe('a page on the way to a room', () => {
  it('hands the room on', async () => {
    await load('#room/a%20b');
    expect(action()).toMatch(/\/account\/login\?next=%2Fchat#room\/a%20b$/);
    expect(link(0)).toMatch(/\/account\/register#room\/a%20b$/);
  });

  it('tells no other site about it', async () => {
    await load('#room/a%20b');
    expect(link(1)).toMatch(/\/auth\/google$/);
  });

  it('has our own server remember it on the way over a provider', async () => {
    await load('#room/a%20b');
    const next = new URL(link(2) ?? '').searchParams.get('next');
    expect(next).toBe('/chat#room/a%20b');
  });

  it('leaves other pages alone', async () => {
    await load('#main');
    expect(action()).toMatch(/next=%2Fchat$/);
    expect(link(0)).toMatch(/register$/);
  });
});

it('tells how long ago a session was used, and the time in full to whoever points there', async () => {
  await load('');
  const time = document.querySelector('time');
  expect(time?.textContent).toMatch(/^[\d,]+ days ago$/);
  expect(time?.title).toContain('2020');
});
