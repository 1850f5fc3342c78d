// Keeps the files of one version of the page, so that it opens at once and offline.
//
// It serves exactly the files of the list below and nothing else: what the node says (/client, /node.json, ...)
// never passes through a cache. A version is taken whole or not at all; a new one waits until the page asks for it
// or until the last page of the old one is closed, so that files of two versions never meet.
// What a network puts in the place of a file (a captive portal, a proxy with an old copy) is no part of a version.

const VERSION = '__VERSION__';
const FILES = __PRECACHE__;
const PREFIX = 'nostrp2p-';
const CACHE = PREFIX + VERSION;
const START = './';

const known = new Set([START, ...FILES].map((file) => new URL(file, self.location).pathname));

// The first digits of a file's SHA-256 stand in its name; the page has no such name, but it names its program.
const FINGERPRINT = /\.([0-9a-f]{10})\.\w+$/;
const PROGRAM = FILES.find((file) => /boot\.\w+\.js$/.test(file));

async function take(path) {
  // Past the browser's own cache: an old file under a new version would break the page for good.
  const answer = await fetch(path, { cache: 'reload', redirect: 'error' });
  const body = await answer.clone().arrayBuffer();
  const wanted = FINGERPRINT.exec(path)?.[1];
  let right = answer.ok;
  if (wanted) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
    right &&= Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('').startsWith(wanted);
  } else if (path.endsWith('/')) {
    right &&= new TextDecoder().decode(body).includes(PROGRAM);
  }
  if (!right) throw new Error(`${path} is not the file of this version`);
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
