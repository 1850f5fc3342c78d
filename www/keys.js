// Puts keys under a passphrase and takes them out, beside the page: it takes a second and much memory on purpose.
// The page starts this for one task and ends it after the answer: [true, text] or [false, why].
import init, { open_key, seal_key } from './ciphers.js';

addEventListener('message', async ({ data: [task, text, passphrase] }) => {
  try {
    await init({ module_or_path: new URL('./ciphers.wasm', import.meta.url) });
    const words = passphrase.normalize('NFKC');
    const random = crypto.getRandomValues(new Uint8Array(40));
    postMessage([true, task === 'seal' ? seal_key(text, words, random) : open_key(text, words)]);
  } catch (error) {
    postMessage([false, typeof error === 'string' ? error : 'browser']);
  }
});
