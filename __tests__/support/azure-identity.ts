/** A stub of `@azure/identity`, which is not installed, for the examples in README and docs. It has the same types. */

export interface AccessToken {
  token: string;
  expiresOnTimestamp: number;
}

export interface TokenCredential {
  getToken(scopes: string | string[]): Promise<AccessToken | null>;
}

/** Issues made-up tokens. */
export class DefaultAzureCredential implements TokenCredential {
  getToken(scopes: string | string[]): Promise<AccessToken> {
    return Promise.resolve({ token: `token for ${String(scopes)}`, expiresOnTimestamp: Date.now() + 3_600_000 });
  }
}

export function getBearerTokenProvider(credential: TokenCredential, scopes: string | string[]): () => Promise<string> {
  return async () => (await credential.getToken(scopes))?.token ?? '';
}
