import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a server of this process can listen without a port. On Windows, that is a named pipe. */
export function pathOfSocket(name: string): string {
  const unique = `${name}-${String(process.pid)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${unique}` : join(tmpdir(), `${unique}.sock`);
}
