import './styles/site.css';
import { absoluteTime, relativeTime } from './ui/relativeTime';

/**
 * A link to a room names it after the `#`, which browsers keep over redirects but not over a form or a link. It is
 * handed on, so that whoever has to sign in first arrives where the link leads.
 */
if (location.hash.startsWith('#room/') && document.getElementById('app') === null) {
  for (const form of document.querySelectorAll<HTMLFormElement>('.card form')) {
    form.action = withHash(form.action);
  }
  const links = '.site-header nav a[href], .card a[href]:not(.button)';
  for (const link of document.querySelectorAll<HTMLAnchorElement>(links)) {
    link.href = withHash(link.href);
  }
  // The way over a provider is a way over its site, which the room does not concern: our own server remembers it.
  for (const link of document.querySelectorAll<HTMLAnchorElement>('.card a.provider')) {
    const url = new URL(link.href);
    const next = url.searchParams.get('next');
    if (next !== null) url.searchParams.set('next', next + location.hash);
    link.href = url.href;
  }
}

/** Times of the page as they are when it is opened: "2 minutes ago". */
for (const time of document.querySelectorAll<HTMLTimeElement>('.account time')) {
  const ts = Date.parse(time.dateTime);
  time.title = absoluteTime(ts);
  time.textContent = relativeTime(ts, Date.now());
}

function withHash(address: string): string {
  const url = new URL(address, location.href);
  url.hash = location.hash;
  return url.href;
}
