// nostr-fetch against the relay of a node. It cannot sign in, so the node is started with --open-relay.

import { equal, now, secret, step, url } from './together.js';
import { finalizeEvent, getPublicKey } from 'nostr-tools/pure';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import { NostrFetcher } from 'nostr-fetch';
import WebSocket from 'ws';

useWebSocketImplementation(WebSocket);
const me = getPublicKey(secret);
const begin = now() - 5000;

await step('a thousand events are there', async () => {
  const relay = await Relay.connect(url);
  relay.publishTimeout = 30_000;
  const events = [];
  for (let n = 0; n < 1000; n++) {
    const template = { kind: 1, content: `number ${n}`, tags: [], created_at: begin + n };
    events.push(relay.publish(finalizeEvent(template, secret)));
  }
  await Promise.all(events);
  relay.close();
});
const fetcher = NostrFetcher.init({ webSocketConstructor: WebSocket });
await step('all of them are fetched', async () => {
  const all = await fetcher.fetchAllEvents([url], { kinds: [1], authors: [me] }, { since: begin }, { sort: true });
  equal(all.length, 1000);
  equal(all[0].content, 'number 999');
});
await step('the latest are fetched', async () => {
  const latest = await fetcher.fetchLatestEvents([url], { kinds: [1] }, 3);
  equal(latest.map(event => event.content), ['number 999', 'number 998', 'number 997']);
});
await step('a time range is iterated', async () => {
  let count = 0;
  const range = { since: begin + 100, until: begin + 849 };
  for await (const _ of fetcher.allEventsIterator([url], { kinds: [1] }, range)) count += 1;
  equal(count, 750);
});
fetcher.shutdown();
process.exit(0);
