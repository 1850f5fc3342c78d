// A NIP-07 provider for the tests: it comes late, signs with the key 7, and does as the page's `data-` attributes say.
//
// - `data-signed` on <html>: the kinds that it was asked to sign, in order.
// - `data-refuse`: when the test sets it, everything is refused, as by a person who says no.

const LATE_MS = 1500;
const KEY = 7n;

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
];

const mod = (a, m = P) => ((a % m) + m) % m;

function power(base, exponent) {
  let result = 1n;
  for (let e = exponent, b = mod(base); e > 0n; e >>= 1n, b = mod(b * b)) {
    if (e & 1n) result = mod(result * b);
  }
  return result;
}

function add(one, other) {
  if (!one) return other;
  if (!other) return one;
  const [x1, y1] = one;
  const [x2, y2] = other;
  if (x1 === x2 && y1 !== y2) return null;
  const slope = x1 === x2 ? 3n * x1 * x1 * power(2n * y1, P - 2n) : (y2 - y1) * power(mod(x2 - x1), P - 2n);
  const x = mod(mod(slope) ** 2n - x1 - x2);
  return [x, mod(mod(slope) * (x1 - x) - y1)];
}

function multiply(point, scalar) {
  let result = null;
  for (let s = scalar, p = point; s > 0n; s >>= 1n, p = add(p, p)) {
    if (s & 1n) result = add(result, p);
  }
  return result;
}

const bytes = (number) => Uint8Array.from({ length: 32 }, (_, i) => Number((number >> BigInt(8 * (31 - i))) & 255n));
const hex = (array) => Array.from(array, (byte) => byte.toString(16).padStart(2, '0')).join('');
const number = (array) => BigInt('0x' + hex(array));
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer()));

async function tagged(tag, ...parts) {
  const name = await sha256(new TextEncoder().encode(tag));
  return sha256(name, name, ...parts);
}

const point = multiply(G, KEY);
const secret = point[1] % 2n === 0n ? KEY : N - KEY;
const pubkey = hex(bytes(point[0]));

// BIP-340 with auxiliary random bytes of zero.
async function signature(id) {
  const mask = await tagged('BIP0340/aux', new Uint8Array(32));
  const masked = bytes(secret ^ number(mask));
  const k0 = mod(number(await tagged('BIP0340/nonce', masked, bytes(point[0]), id)), N);
  const r = multiply(G, k0);
  const k = r[1] % 2n === 0n ? k0 : N - k0;
  const e = mod(number(await tagged('BIP0340/challenge', bytes(r[0]), bytes(point[0]), id)), N);
  return hex(bytes(r[0])) + hex(bytes(mod(k + e * secret, N)));
}

async function answer(give) {
  if ('refuse' in document.documentElement.dataset) throw new Error('the person said no');
  return give();
}

const provider = {
  getPublicKey: () => answer(async () => pubkey),
  signEvent: (event) => {
    const { dataset } = document.documentElement;
    dataset.signed = `${dataset.signed ?? ''} ${event.kind}`.trim();
    return answer(async () => {
      const { kind, created_at, tags, content } = event;
      const id = await sha256(JSON.stringify([0, pubkey, created_at, kind, tags, content]));
      return { ...event, pubkey, id: hex(id), sig: await signature(id) };
    });
  },
};

setTimeout(() => { window.nostr = provider; }, LATE_MS);
