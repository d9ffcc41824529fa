import { createServer } from 'node:net';

/** Names the ports the stack expects the providers at, as JSON. */
const PORTS_VARIABLE = 'PACKTCHAT_E2E_PROVIDERS';

/** How a provider of the tests is known to PacktChat. */
export interface ProviderSettings {
  /** In addresses. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  readonly clientId: string;
  /** None: PacktChat is a public client. */
  readonly clientSecret?: string;
  readonly algorithm: 'RS256' | 'ES256';
  /** Whether PacktChat finds the endpoints by itself. */
  readonly discovery: boolean;
}

/** By discovery; RSA keys; a secret in a header, with what has to be escaped there. */
export const TULIP: ProviderSettings = {
  name: 'tulip',
  label: 'Tulip',
  clientId: 'packtchat at tulip',
  clientSecret: 'a secret: 100 % of + & / = "special" characters',
  algorithm: 'RS256',
  discovery: true,
};

/** By endpoints; elliptic keys; no secret at all. */
export const ROSE_GARDEN: ProviderSettings = {
  name: 'rose-garden',
  label: 'Rose Garden',
  clientId: 'packtchat',
  algorithm: 'ES256',
  discovery: false,
};

/** Nobody ever listens there. */
export const NOWHERE: ProviderSettings = {
  name: 'nowhere',
  label: 'Nowhere',
  clientId: 'packtchat',
  algorithm: 'RS256',
  discovery: true,
};

const ALL = [TULIP, ROSE_GARDEN, NOWHERE];

/** Whether the stack was started with the providers of the tests. */
export const areConfigured = (): boolean => process.env[PORTS_VARIABLE] !== undefined;

export function portOf(settings: ProviderSettings): number {
  const ports = JSON.parse(process.env[PORTS_VARIABLE] ?? '{}') as Record<string, number>;
  const port = ports[settings.name];
  if (port === undefined) throw new Error(`${PORTS_VARIABLE} has no port for ${settings.name}`);
  return port;
}

export function issuerOf(settings: ProviderSettings): string {
  return `http://127.0.0.1:${portOf(settings)}`;
}

/** Chooses where the providers are going to be; returns the variables that tell PacktChat. */
export async function chooseProviders(): Promise<Record<string, string>> {
  const ports: Record<string, number> = {};
  for (const { name } of ALL) ports[name] = await freePort(Object.values(ports));
  process.env[PORTS_VARIABLE] = JSON.stringify(ports);
  return Object.assign({}, ...ALL.map(variables)) as Record<string, string>;
}

function variables(settings: ProviderSettings): Record<string, string> {
  const issuer = issuerOf(settings);
  const block: Record<string, string> = {
    LABEL: settings.label,
    CLIENT_ID: settings.clientId,
    ISSUER: issuer,
    ...(settings.clientSecret === undefined
      ? { AUTHENTICATION: 'none' }
      : { CLIENT_SECRET: settings.clientSecret }),
    ...(!settings.discovery && {
      AUTHORIZATION_ENDPOINT: `${issuer}/auth`,
      TOKEN_ENDPOINT: `${issuer}/token`,
      JWKS_URI: `${issuer}/jwks`,
    }),
  };
  const name = settings.name.toUpperCase().replaceAll('-', '_');
  return Object.fromEntries(
    Object.entries(block).map(([key, value]) => [`PACKTCHAT__PROVIDERS__${name}__${key}`, value]),
  );
}

/** Below those that the stack takes, and the kernel, so that nothing takes it until the provider is started. */
async function freePort(taken: readonly number[]): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 8_000);
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => {
      done(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        done(true);
      });
    });
  });
}
