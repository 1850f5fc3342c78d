// Subscriptions of several libraries over a clean restart of the node: each has to come back by itself.
// It says when all of them listen; then the node is restarted, and a post is published.

import { secret, step, url } from './together.js';
import { Relay as Applesauce } from 'applesauce-relay';
import { createRxForwardReq, createRxNostr } from 'rx-nostr';
import { seckeySigner, verifier } from '@rx-nostr/crypto';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import WebSocket from 'ws';

useWebSocketImplementation(WebSocket);
const filter = { kinds: [1] };
const AFTER = 'after the restart';

/** Resolves when the post comes, and `listening` when the subscription stands. */
const heard = {};
const hears = name => {
  let resolve;
  heard[name] = new Promise(done => { resolve = done; });
  return event => { if (event.content === AFTER) resolve(); };
};

await step('applesauce listens', () => new Promise((resolve, reject) => {
  const hear = hears('applesauce');
  new Applesauce(url).subscription([filter]).subscribe({
    next: said => { if (said === 'EOSE') resolve(); else hear(said); },
    error: reject,
    complete: () => reject(new Error('the subscription has ended for good')),
  });
}));
await step('rx-nostr listens', () => new Promise(resolve => {
  const rx = createRxNostr({ signer: seckeySigner(Buffer.from(secret).toString('hex')), verifier, websocketCtor: WebSocket });
  rx.setDefaultRelays([url]);
  const request = createRxForwardReq();
  const hear = hears('rx-nostr');
  rx.use(request).subscribe(({ event }) => { resolve(); hear(event); });
  request.emit(filter);
}));
await step('nostr-tools listens', async () => {
  const relay = await Relay.connect(url, { enableReconnect: true });
  await new Promise(resolve => {
    relay.subscribe([filter], { onevent: hears('nostr-tools'), oneose: resolve });
  });
});
for (const name of Object.keys(heard)) {
  await step(`${name} hears again`, () => heard[name]);
}
process.exit(0);
