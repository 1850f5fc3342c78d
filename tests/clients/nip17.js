// A NIP-17 conversation by nostr-tools between two people, each with a node with --inbox that is joined to no other.
// Usage: node nip17.js <Alice's node> <her secret key in hex> <Bob's node> <his secret key in hex>

import { equal, secret, step, url } from './together.js';
import { finalizeEvent, getPublicKey } from 'nostr-tools/pure';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import * as nip17 from 'nostr-tools/nip17';
import WebSocket from 'ws';

useWebSocketImplementation(WebSocket);
const alice = { url, secret, key: getPublicKey(secret) };
const [bobsUrl, bobsSecretHex] = process.argv.slice(4);
const bobsSecret = Uint8Array.from(Buffer.from(bobsSecretHex, 'hex'));
const bob = { url: bobsUrl, secret: bobsSecret, key: getPublicKey(bobsSecret) };

/** The messages that a person finds at their own node, as they come. */
async function open(person) {
  const relay = await Relay.connect(person.url);
  const heard = [];
  let tell = () => {};
  // The challenge comes before the first answer.
  while (true) {
    try {
      await relay.auth(template => finalizeEvent(template, person.secret));
      break;
    } catch (error) {
      if (!String(error.message ?? error).includes('challenge')) throw error;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }
  await new Promise((resolve, reject) => {
    relay.subscribe([{ kinds: [1059], '#p': [person.key] }], {
      onevent: wrap => { heard.push(nip17.unwrapEvent(wrap, person.secret)); tell(); },
      oneose: resolve,
      onclose: reason => reject(new Error(reason)),
    });
  });
  const hear = async count => {
    while (heard.length < count) await new Promise(resolve => { tell = resolve; });
    return heard[count - 1];
  };
  return { relay, hear };
}

/** Sends a message to somebody's node, as whoever has no node there: without a login. */
async function send(from, to, text) {
  const relay = await Relay.connect(to.url);
  await relay.publish(nip17.wrapEvent(from.secret, { publicKey: to.key }, text));
  relay.close();
}

let [atAlice, atBob] = [];
await step('both read at their own nodes', async () => {
  [atAlice, atBob] = [await open(alice), await open(bob)];
});
await step('Alice writes to Bob', async () => {
  await send(alice, bob, 'Are you there?');
  const message = await atBob.hear(1);
  equal([message.pubkey, message.kind, message.content], [alice.key, 14, 'Are you there?']);
});
await step('Bob answers', async () => {
  await send(bob, alice, 'Yes.');
  const message = await atAlice.hear(1);
  equal([message.pubkey, message.kind, message.content], [bob.key, 14, 'Yes.']);
});
await step('Alice writes again', async () => {
  await send(alice, bob, 'Good.');
  equal((await atBob.hear(2)).content, 'Good.');
});
await step('nobody else reads it', async () => {
  const relay = await Relay.connect(bob.url);
  const reason = await new Promise((resolve, reject) => {
    relay.subscribe([{ kinds: [1059] }], {
      onevent: () => reject(new Error('a stranger reads')),
      onclose: resolve,
    });
  });
  if (!reason.startsWith('auth-required:')) throw new Error(reason);
  relay.close();
});
process.exit(0);
