import { unique } from '../setup/person.ts';
import { recovered, signal } from '../setup/stack.ts';
import { expect, test } from '../setup/test.ts';

test.use({ outages: true });

const PROCESSES = [
  'gateway-1',
  'auth-1',
  'chat-realtime-1',
  'chat-realtime-2',
  'log-worker-1',
  'cleanup-worker-1',
  'haproxy',
  'redis',
  'rabbitmq',
  'epmd',
];

for (const name of PROCESSES) {
  test(`${name} is killed while two people talk`, async ({ guest }) => {
    const room = unique('outage');
    const anna = await guest('anna', room, 'chat-realtime-1');
    const berta = await guest('berta', room, 'chat-realtime-2');
    const said: string[] = [];
    const talk = async (when: string) => {
      for (const { tab, name } of [anna, berta]) {
        said.push(`${name}, ${when}`);
        await tab.say(said.at(-1) ?? '');
      }
    };
    const heard = async () => {
      for (const { tab } of [anna, berta]) await tab.shows(said);
      expect(await berta.tab.messages()).toEqual(await anna.tab.messages());
    };
    await talk('before');
    await heard();
    const pid = signal(name, 'SIGKILL');
    await talk('meanwhile');
    await heard();
    await recovered(name, pid);
    await talk('afterwards');
    await heard();
    const clara = await guest('clara', room);
    await clara.tab.shows(said);
  });
}
