import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runInThisContext } from 'node:vm';
import FormDataPackage from 'form-data';

/** The Error outside the realm of jest: fetch passes on only what is an `instanceof` that one. */
export const NodesError = runInThisContext('Error') as ErrorConstructor;

export const audio = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));

/** The path of a file that holds `audio`. It is removed after the tests. */
export function audioFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'body-'));
  const file = join(folder, 'audio.bin');
  writeFileSync(file, audio);
  afterAll(() => rmSync(folder, { recursive: true }));
  return file;
}

/** A stream of Node's. */
export const parts = (...chunks: (string | Buffer)[]) => Readable.from(chunks, { objectMode: false });

/** A web stream. */
export const web = (...chunks: (string | Uint8Array)[]) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
      controller.close();
    },
  });

/** A form of the `form-data` package with a file in it. */
export function packageForm(file: string): FormDataPackage {
  const form = new FormDataPackage();
  form.append('model', 'whisper');
  form.append('bytes', Buffer.alloc(5000, 7));
  form.append('file', createReadStream(file), { filename: 'audio.bin' });
  return form;
}
