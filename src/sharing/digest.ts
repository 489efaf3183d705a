/**
 * A short name for a backend that tells neither its name nor its URL. Synchronous and without Node's crypto, since tabs
 * use it too. A writer to the channel could choose any digest anyway, so it needn't resist a forger.
 */
export function digestOf({ name, baseURL }: { readonly name: string; readonly baseURL: string }): string {
  const text = `${name}\n${baseURL}`;
  return hash(text, 0x9e3779b1).toString(36) + hash(text, 0x85ebca77).toString(36);
}

/** 53 bits: two running products of 32 bits, mixed at the end (the method of MurmurHash3's finish). */
function hash(text: string, seed: number): number {
  let high = seed ^ 0xdeadbeef;
  let low = seed ^ 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  high = mix(high) ^ mix(low ^ 0x3d4d51cb);
  low = mix(low) ^ high;
  return 2 ** 32 * (low & 0x1fffff) + (high >>> 0);
}

function mix(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
}
