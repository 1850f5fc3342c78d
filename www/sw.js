// Keeps the files of one version of the page, so that it opens at once and offline.
//
// It serves exactly the files of the list below and nothing else: what the node says (/client, /node.json, ...)
// never passes through a cache. A version is taken whole or not at all; a new one waits until the page asks for it
// or until the last page of the old one is closed, so that files of two versions never meet.
// What a network puts in the place of a file (a captive portal, a proxy with an old copy) is no part of a version.

const VERSION = '__VERSION__';
// Each file of this version, the page itself among them, with the SHA-256 of all its bytes as browsers compare it.
const FILES = __PRECACHE__;
const PREFIX = 'nostrp2p-';
const CACHE = PREFIX + VERSION;

const known = new Map(
  Object.entries(FILES).map(([file, hash]) => [new URL(file, self.location).pathname, hash]),
);

async function take([path, integrity]) {
  // Past the browser's own cache: an old file under a new version would break the page for good.
  const answer = await fetch(path, { cache: 'reload', redirect: 'error', integrity });
  if (!answer.ok) throw new Error(`${path} is not the file of this version`);
  return [path, answer];
}

self.addEventListener('install', (event) => {
  event.waitUntil(
    Promise.all([caches.open(CACHE), ...Array.from(known, take)]).then(([cache, ...files]) =>
      Promise.all(files.map(([path, file]) => cache.put(path, file))),
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
