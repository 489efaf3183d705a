import { generate } from 'selfsigned';

/** A self-signed certificate for `localhost`, as servers of TLS take it. */
export async function certificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
  return { key, cert };
}
