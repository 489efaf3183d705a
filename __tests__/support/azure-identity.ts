/** Stands in for `@azure/identity` in the README's example, with the shapes that this has: that one is not installed. */

export interface AccessToken {
  token: string;
  expiresOnTimestamp: number;
}

export interface TokenCredential {
  getToken(scopes: string | string[]): Promise<AccessToken | null>;
}

/** Issues tokens of its own. */
export class DefaultAzureCredential implements TokenCredential {
  getToken(scopes: string | string[]): Promise<AccessToken> {
    return Promise.resolve({ token: `token for ${String(scopes)}`, expiresOnTimestamp: Date.now() + 3_600_000 });
  }
}

export function getBearerTokenProvider(credential: TokenCredential, scopes: string | string[]): () => Promise<string> {
  return async () => (await credential.getToken(scopes))?.token ?? '';
}
