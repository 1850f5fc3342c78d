// What takes long, beside the page: it puts keys under a passphrase and takes them out, and work into posts.
// The page starts this for one task and ends it after the answer: [true, text] or [false, why].
import init, { find_nonce, open_key, seal_key } from './ciphers.js';

const tasks = {
  open: (text, passphrase) => open_key(text, passphrase.normalize('NFKC')),
  seal: (text, passphrase) =>
    seal_key(text, passphrase.normalize('NFKC'), crypto.getRandomValues(new Uint8Array(40))),
  work: find_nonce,
};

addEventListener('message', async ({ data: [task, ...words] }) => {
  try {
    await init({ module_or_path: new URL('./ciphers.wasm', import.meta.url) });
    postMessage([true, tasks[task](...words)]);
  } catch (error) {
    postMessage([false, typeof error === 'string' ? error : 'browser']);
  }
});
