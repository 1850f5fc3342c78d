// nostr-tools against the relay of a node.

import { equal, now, secret, step, url } from './together.js';
import { finalizeEvent, generateSecretKey, getPublicKey, verifyEvent } from 'nostr-tools/pure';
import { Relay, useWebSocketImplementation } from 'nostr-tools/relay';
import { nip77 } from 'nostr-tools';
import WebSocket from 'ws';

useWebSocketImplementation(WebSocket);
const { Negentropy, NegentropyStorageVector } = nip77;
const me = getPublicKey(secret);
const sign = (kind, content, tags = [], created_at = now()) =>
  finalizeEvent({ kind, content, tags, created_at }, secret);

/** Everything that is stored and matches. */
const stored = (relay, filter) => new Promise((resolve, reject) => {
  const events = [];
  const subscription = relay.subscribe([filter], {
    onevent: event => events.push(event),
    oneose: () => { resolve(events); subscription.close(); },
    onclose: reason => reject(new Error(reason)),
  });
});
const refused = async promise => {
  try { await promise; } catch (error) { return String(error.message ?? error); }
  throw new Error('it was not refused');
};

const relay = await Relay.connect(url);
await step('connect', async () => {
  const reason = await refused(relay.publish(sign(1, 'too early')));
  if (!reason.startsWith('auth-required:')) throw new Error(reason);
});
await step('auth', async () => {
  await relay.auth(template => finalizeEvent(template, secret));
});
const first = sign(1, 'by nostr-tools', [['t', 'tools']]);
await step('publish and query', async () => {
  await relay.publish(first);
  const events = await stored(relay, { kinds: [1], authors: [me], '#t': ['tools'] });
  equal(events.map(event => event.id), [first.id]);
  if (!events.every(verifyEvent)) throw new Error('a signature is wrong');
});
await step('subscribe', async () => {
  const live = sign(1, 'live');
  const heard = new Promise(resolve => {
    const subscription = relay.subscribe([{ kinds: [1], limit: 0 }], {
      onevent: event => { subscription.close(); resolve(event.id); },
      oneose: () => relay.publish(live),
    });
  });
  equal(await heard, live.id);
});
await step('replace', async () => {
  await relay.publish(sign(0, '{"name":"old"}', [], now() - 10));
  const profile = sign(0, '{"name":"new"}');
  await relay.publish(profile);
  equal((await stored(relay, { kinds: [0], authors: [me] })).map(event => event.id), [profile.id]);
});
await step('delete', async () => {
  await relay.publish(sign(5, '', [['e', first.id]]));
  equal(await stored(relay, { ids: [first.id] }), []);
  const reason = await refused(relay.publish(first));
  if (!reason.startsWith('blocked:')) throw new Error(reason);
});
await step('others are refused', async () => {
  const foreign = finalizeEvent({ kind: 1, content: '', tags: [], created_at: now() }, generateSecretKey());
  const reason = await refused(relay.publish(foreign));
  if (!reason.startsWith('restricted:')) throw new Error(reason);
});
const thousand = [];
await step('a thousand events', async () => {
  for (let n = 0; n < 1000; n++) thousand.push(sign(1, `number ${n}`, [['t', 'thousand']], now() - 2000 + n));
  relay.publishTimeout = 30_000;
  await Promise.all(thousand.map(event => relay.publish(event)));
  equal(await relay.count([{ '#t': ['thousand'] }], {}), 1000);
  let until = now();
  const seen = new Set();
  while (true) {
    const page = await stored(relay, { '#t': ['thousand'], until, limit: 300 });
    page.forEach(event => seen.add(event.id));
    if (page.length < 300) break;
    until = page.at(-1).created_at;
  }
  equal(seen.size, 1000);
});
await step('search', async () => {
  const japanese = sign(1, '昨日は京都で紅葉を見ました');
  await relay.publish(japanese);
  equal((await stored(relay, { kinds: [1], search: '紅葉' })).map(event => event.id), [japanese.id]);
});
await step('negentropy', async () => {
  const storage = new NegentropyStorageVector();
  thousand.slice(100).forEach(event => storage.insert(event.created_at, event.id));
  storage.seal();
  const negentropy = new Negentropy(storage, 60_000);
  const needed = new Set();
  // nostr-tools hands messages it does not know to nobody, so this speaks NIP-77 on a socket of its own.
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', data => {
      const [type, ...rest] = JSON.parse(data);
      if (type === 'AUTH') {
        const tags = [['relay', url], ['challenge', rest[0]]];
        socket.send(JSON.stringify(['AUTH', sign(22242, '', tags)]));
      } else if (type === 'OK') {
        socket.send(JSON.stringify(['NEG-OPEN', 'n', { '#t': ['thousand'] }, negentropy.initiate()]));
      } else if (type === 'NEG-MSG') {
        const next = negentropy.reconcile(rest[1], () => {}, id => needed.add(id));
        if (next) socket.send(JSON.stringify(['NEG-MSG', 'n', next]));
        else resolve();
      } else if (type !== 'NOTICE') {
        reject(new Error(data));
      }
    });
  });
  socket.close();
  equal([...needed].sort(), thousand.slice(0, 100).map(event => event.id).sort());
});
relay.close();
process.exit(0);
