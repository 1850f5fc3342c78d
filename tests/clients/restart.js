// Subscriptions of several libraries over a clean restart of the node: each has to come back by itself.
// It says when all of them listen; then the node is restarted, and a post is published.
// A third argument `auth` says that the node wants a login: then those take part that answer it by themselves.

import { secret, secretHex, step, url } from './together.js';
import NDK, { NDKPrivateKeySigner, NDKRelayAuthPolicies } from '@nostr-dev-kit/ndk';
import { Relay as Applesauce } from 'applesauce-relay';
import { createRxForwardReq, createRxNostr } from 'rx-nostr';
import { seckeySigner, verifier } from '@rx-nostr/crypto';
import { finalizeEvent } from 'nostr-tools/pure';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import WebSocket from 'ws';

useWebSocketImplementation(WebSocket);
const filter = { kinds: [1] };
const AFTER = 'after the restart';
const auth = process.argv[4] === 'auth';

/** Resolves when the post comes, and `listening` when the subscription stands. */
const heard = {};
const hears = name => {
  let resolve;
  heard[name] = new Promise(done => { resolve = done; });
  return event => { if (event.content === AFTER) resolve(); };
};

await step('applesauce listens', () => new Promise((resolve, reject) => {
  const hear = hears('applesauce');
  const relay = new Applesauce(url);
  const signer = { signEvent: template => finalizeEvent(template, secret) };
  if (auth) relay.challenge$.subscribe(challenge => challenge && relay.authenticate(signer));
  relay.subscription([filter]).subscribe({
    next: said => { if (said === 'EOSE') resolve(); else hear(said); },
    error: reject,
    complete: () => reject(new Error('the subscription has ended for good')),
  });
}));
await step('rx-nostr listens', () => new Promise(resolve => {
  const signer = seckeySigner(Buffer.from(secret).toString('hex'));
  const rx = createRxNostr({ signer, verifier, websocketCtor: WebSocket, authenticator: auth ? 'auto' : undefined });
  rx.setDefaultRelays([url]);
  const request = createRxForwardReq();
  const hear = hears('rx-nostr');
  rx.use(request).subscribe(({ event }) => { resolve(); hear(event); });
  request.emit(filter);
}));
// nostr-tools asks anew before it has signed in, and ends what is refused then.
if (!auth) await step('nostr-tools listens', async () => {
  const relay = await Relay.connect(url, { enableReconnect: true });
  await new Promise(resolve => {
    relay.subscribe([filter], { onevent: hears('nostr-tools'), oneose: resolve });
  });
});
await step('NDK listens', () => new Promise(resolve => {
  const signer = new NDKPrivateKeySigner(secretHex);
  const ndk = new NDK({ explicitRelayUrls: [url], signer, enableOutboxModel: false });
  ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
  ndk.connect();
  ndk.subscribe(filter, { closeOnEose: false }, { onEvent: hears('NDK'), onEose: resolve });
}));
console.log('all listen');
for (const name of Object.keys(heard)) {
  await step(`${name} hears again`, () => heard[name]);
}
process.exit(0);
