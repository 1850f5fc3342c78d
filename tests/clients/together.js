// What the scripts share: how they are told of the node, how they wait, and how they say what went well.
// Usage of each: node <script> ws://host:port/ <secret key in hex>

import WebSocket from 'ws';

// Node.js 20 has no WebSocket of its own.
globalThis.WebSocket ??= WebSocket;

export const [url, secretHex] = process.argv.slice(2);
export const secret = Uint8Array.from(Buffer.from(secretHex, 'hex'));
export const now = () => Math.floor(Date.now() / 1000);

/** Runs one step within a deadline and prints `ok: <name>`; ends the process at the first that fails. */
export async function step(name, run) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took longer than 60 seconds')), 60_000);
  });
  try {
    await Promise.race([run(), deadline]);
    console.log(`ok: ${name}`);
  } catch (error) {
    console.log(`failed: ${name}: ${error?.stack ?? error}`);
    process.exit(1);
  } finally {
    clearTimeout(timer);
  }
}

export function equal(seen, expected) {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a} instead of ${b}`);
}
