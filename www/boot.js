// Loads the program and starts it. Everything else is written in Rust.
import init, { run } from './client.js';

const root = document.documentElement;
let language = navigator.language;

try {
  // Before the first picture, so that a chosen theme does not flash. The program keeps the settings.
  root.dataset.theme = localStorage.getItem('theme') ?? 'auto';
  language = localStorage.getItem('language') ?? language;
} catch {
  // A browser without storage shows the colours of the device.
}
const japanese = language.startsWith('ja');

// What most pages never need; whoever asks first loads it for all. Without a network the next one may try again.
const once = (load) => {
  let loaded;
  return () => (loaded ??= load().catch((error) => {
    loaded = undefined;
    throw error;
  }));
};
const loadCiphers = once(async () => {
  const module = await import('./ciphers.js');
  await module.default({ module_or_path: new URL('./ciphers.wasm', import.meta.url) });
  return module;
});
const loadJapanese = once(async () => (await import('./ja.js')).default);
// Beside the program, so that nobody waits for one and then for the other.
if (japanese) loadJapanese().catch(() => {});

// The browser's offer to install the page waits until somebody takes it, in the settings.
let offer;
const tell = (offered) => {
  offer = offered;
  dispatchEvent(new CustomEvent('nostrp2p:installable', { detail: Boolean(offer) }));
};
addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  tell(event);
});
addEventListener('appinstalled', () => tell());
addEventListener('nostrp2p:install', () => offer?.prompt());

try {
  await init({ module_or_path: new URL('./client.wasm', import.meta.url) });
  await run(loadCiphers, loadJapanese);
  if (offer) tell(offer);
} catch (error) {
  console.error(error);
  const crash = document.getElementById('crash');
  crash.textContent ||= japanese
    ? 'ページを開始できませんでした。再読み込みし、それでも直らない場合はブラウザーを更新してください。'
    : 'This page could not start. Reload it; if that does not help, update your browser.';
  crash.hidden = false;
}

// The service worker makes the page open without a network. A new version waits until the person wants it.
if ('serviceWorker' in navigator) {
  const worker = navigator.serviceWorker;
  let wanted = false;
  worker.addEventListener('controllerchange', () => wanted && location.reload());
  const announce = () => dispatchEvent(new Event('nostrp2p:update-ready'));
  try {
    const registration = await worker.register('./sw.js', { updateViaCache: 'none' });
    if (registration.waiting && worker.controller) announce();
    registration.addEventListener('updatefound', () => {
      const next = registration.installing;
      next?.addEventListener('statechange', () => {
        if (next.state === 'installed' && worker.controller) announce();
      });
    });
    addEventListener('nostrp2p:apply-update', () => {
      wanted = true;
      if (registration.waiting) registration.waiting.postMessage('take over');
      else location.reload();
    });
  } catch (error) {
    // Without it the page works as long as the network does.
    console.warn(error);
  }
}
