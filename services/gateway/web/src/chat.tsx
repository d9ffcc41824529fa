import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { browserAddress } from './app/address';
import { ChatClient } from './app/client';
import { socketConnection } from './connection/socket';
import './styles/chat.css';

/** What the gateway may say in `data-` attributes of `#app`, where its settings differ from the defaults. */
const DEFAULT_LOGIN = '/account/login';
const DEFAULT_MESSAGE_CHARS = 4000;

const element = document.getElementById('app');
if (element === null) throw new Error('the page has no #app');
const { login = DEFAULT_LOGIN, messageChars } = element.dataset;
const limit = Number(messageChars ?? DEFAULT_MESSAGE_CHARS);

const client = new ChatClient(socketConnection(), browserAddress(login), limit);
window.addEventListener('hashchange', () => {
  client.followAddress();
});
window.addEventListener('beforeunload', (event) => {
  // What is not sent yet would be lost: let the browser ask.
  if (client.hasUnsent()) event.preventDefault();
});
client.start();

createRoot(element).render(
  <StrictMode>
    <App client={client} messageChars={limit} />
  </StrictMode>,
);
