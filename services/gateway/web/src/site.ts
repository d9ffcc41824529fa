import './styles/site.css';

/**
 * A link to a room names it after the `#`, which browsers keep over redirects but not over a form or a link. It is
 * handed on, so that whoever has to sign in first arrives where the link leads.
 */
if (location.hash.startsWith('#room/') && document.getElementById('app') === null) {
  for (const form of document.querySelectorAll<HTMLFormElement>('.card form')) {
    form.action = withHash(form.action);
  }
  // Buttons are for the providers one may sign in with, whom it does not concern.
  const links = '.site-header nav a[href], .card a[href]:not(.button)';
  for (const link of document.querySelectorAll<HTMLAnchorElement>(links)) {
    link.href = withHash(link.href);
  }
}

function withHash(address: string): string {
  const url = new URL(address, location.href);
  url.hash = location.hash;
  return url.href;
}
