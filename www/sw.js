// Keeps the files of one version of the page, so that it opens at once and offline.
//
// It serves exactly the files of the list below and nothing else: what the node says (/client, /node.json, ...)
// never passes through a cache. A version is taken whole or not at all; a new one waits until the page asks for it
// or until the last page of the old one is closed, so that files of two versions never meet.

const VERSION = '__VERSION__';
const FILES = __PRECACHE__;
const PREFIX = 'nostrp2p-';
const CACHE = PREFIX + VERSION;
const START = './';

const known = new Set([START, ...FILES].map((file) => new URL(file, self.location).pathname));

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches.open(CACHE).then((cache) =>
      // Past the browser's own cache: an old file under a new version would break the page for good.
      cache.addAll([...known].map((path) => new Request(path, { cache: 'reload' }))),
    ),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => names.filter((name) => name.startsWith(PREFIX) && name !== CACHE))
      .then((names) => Promise.all(names.map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('message', (event) => {
  if (event.data === 'take over') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin || !known.has(url.pathname)) return;
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(url.pathname))
      .then((kept) => kept ?? fetch(request)),
  );
});
