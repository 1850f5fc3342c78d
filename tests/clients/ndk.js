// @nostr-dev-kit/ndk with @nostr-dev-kit/sync against the relay of a node.

import { equal, now, secretHex, step, url } from './together.js';
import NDK, { NDKEvent, NDKPrivateKeySigner, NDKRelayAuthPolicies, NDKRelaySet } from '@nostr-dev-kit/ndk';
import { NDKSync } from '@nostr-dev-kit/sync';

/** What the sync package needs of a cache: it holds events and finds them by filter. */
class Memory {
  events = new Map();
  locking = false;
  ready = true;
  query(subscription) {
    const matching = [...this.events.values()].filter(event =>
      subscription.filters.some(filter => (filter.kinds ?? [event.kind]).includes(event.kind)));
    return matching;
  }
  async setEvent(event) { this.events.set(event.id, event); }
}

const signer = new NDKPrivateKeySigner(secretHex);
const cacheAdapter = new Memory();
const ndk = new NDK({ explicitRelayUrls: [url], signer, cacheAdapter, enableOutboxModel: false });
ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk });
const me = (await signer.user()).pubkey;
const event = (kind, content, tags = [], created_at = now()) =>
  new NDKEvent(ndk, { kind, content, tags, created_at, pubkey: me });
const stored = async filter => [...await ndk.fetchEvents(filter, { cacheUsage: 'ONLY_RELAY', closeOnEose: true })];

await step('connect and auth', async () => {
  const relay = ndk.pool.relays.values().next().value;
  const authed = new Promise((resolve, reject) => {
    relay.on('authed', resolve);
    relay.on('auth:failed', reject);
  });
  await ndk.connect(10_000);
  await authed;
});
const post = event(1, 'by NDK', [['t', 'ndk']]);
await step('publish and query', async () => {
  await post.publish();
  equal((await stored({ kinds: [1], '#t': ['ndk'] })).map(found => found.id), [post.id]);
});
await step('subscribe', async () => {
  const live = event(1, 'live');
  await live.sign();
  const heard = new Promise(resolve => {
    const subscription = ndk.subscribe({ kinds: [1], limit: 0 }, { closeOnEose: false, cacheUsage: 'ONLY_RELAY' });
    subscription.on('event', found => { if (found.id === live.id) { subscription.stop(); resolve(found.content); } });
    subscription.on('eose', () => live.publish());
  });
  equal(await heard, 'live');
});
await step('replace', async () => {
  await event(0, '{"name":"old"}', [], now() - 10).publish();
  await event(0, '{"name":"new"}').publish();
  equal((await stored({ kinds: [0], authors: [me] })).map(found => found.content), ['{"name":"new"}']);
});
await step('delete', async () => {
  await post.delete('sorry');
  equal(await stored({ ids: [post.id] }), []);
});
await step('a thousand events and a sync', async () => {
  for (let from = 0; from < 1000; from += 100) {
    const some = [];
    for (let n = from; n < from + 100; n++) some.push(event(9802, `number ${n}`, [], now() - 2000 + n));
    await Promise.all(some.map(one => one.publish()));
  }
  cacheAdapter.events.clear();
  const relaySet = NDKRelaySet.fromRelayUrls([url], ndk);
  const result = await new NDKSync(ndk).sync({ kinds: [9802] }, { relaySet });
  equal([result.events.length, result.need.size, result.have.size], [1000, 1000, 0]);
});
process.exit(0);
