/** Generates a client for axios, in TypeScript, from an OpenAPI document. */
import OpenAPI from 'openapi-typescript-codegen';

await OpenAPI.generate({ input: './things.json', output: './generated', httpClient: 'axios' });
