import { Readable } from 'node:stream';
import axios from 'axios';
import FormDataPackage from 'form-data';

/** The code of the error when the caller's own body stream fails. */
export const OWN_BODY_FAILED = 'E_OWN_BODY';

/** Never cancelled, and shared by many requests, which must leave no listener behind. */
export const longLived = { signal: new AbortController().signal, cancelToken: axios.CancelToken.source().token };

/** The config of one request. `cancel` is set if the request will be cancelled. */
export function requestOf(id, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const config = {
    method: pick(['get', 'post', 'post', 'put']),
    url: `/openai/deployments/${pick(['chat', 'embed', 'audio'])}/x?id=${id}`,
    headers: { 'x-request-id': id, authorization: 'Bearer of-the-caller' },
    responseType: pick([undefined, 'json', 'text', 'arraybuffer', 'stream']),
    timeout: pick([0, 0, 2000, 120]),
    failover: pick([undefined, undefined, undefined, false, { maxWait: 0 }]),
  };
  if (config.method !== 'get') {
    const { data, bytes } = bodyOf(random, config.failover === false);
    config.data = data;
    if (bytes !== undefined) config.headers['x-body'] = String(bytes);
  }
  const cancelling = random() < 0.1 ? cancelBy(pick(['signal', 'cancelToken'])) : undefined;
  const shared = pick(['signal', 'cancelToken', undefined]);
  if (cancelling) Object.assign(config, cancelling.settings);
  else if (shared) config[shared] = longLived[shared];
  return { config, cancel: cancelling?.cancel, cancelAfter: random() * 60 };
}

function cancelBy(kind) {
  if (kind === 'signal') {
    const controller = new AbortController();
    return { settings: { signal: controller.signal }, cancel: () => controller.abort() };
  }
  const { token, cancel } = axios.CancelToken.source();
  return { settings: { cancelToken: token }, cancel };
}

/**
 * A body of any kind, and how many bytes must arrive, if that is known.
 *
 * @param asIs whether axios's http adapter receives it unchanged; that adapter accepts no web streams
 */
function bodyOf(random, asIs) {
  const chunk = Buffer.alloc(1 + Math.floor(random() * 30_000), 65);
  const { length } = chunk;
  const kinds = [
    () => ({ data: { text: 'x'.repeat(200) }, bytes: 211 }),
    () => ({ data: chunk, bytes: length }),
    () => ({ data: chunk.toString(), bytes: length }),
    () => ({ data: new Blob([chunk]), bytes: length }),
    () => ({ data: new URLSearchParams({ a: '1' }), bytes: 3 }),
    () => ({ data: readable([chunk, chunk]), bytes: 2 * length }),
    // Sometimes larger than `maxReplaySize`.
    () => ({ data: readable(Array(8).fill(chunk)), bytes: 8 * length }),
    () => ({ data: readable(Array(8).fill(chunk), ownFailure()) }),
    () => ({ data: packageForm(chunk) }),
    () => ({ data: specForm(chunk) }),
    ...(asIs ? [] : [() => ({ data: new Blob([chunk, chunk]).stream(), bytes: 2 * length })]),
  ];
  return kinds[Math.floor(random() * kinds.length)]();
}

function readable(chunks, failure) {
  return Readable.from(
    (function* () {
      yield* chunks;
      if (failure) throw failure;
    })(),
    { objectMode: false },
  );
}

function ownFailure() {
  return Object.assign(new Error("the caller's body failed"), { code: OWN_BODY_FAILED });
}

function packageForm(chunk) {
  const form = new FormDataPackage();
  form.append('file', chunk, { filename: 'x.bin' });
  return form;
}

function specForm(chunk) {
  const form = new FormData();
  form.append('text', 'x');
  form.append('file', new Blob([chunk]), 'x.bin');
  return form;
}
