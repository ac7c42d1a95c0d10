// An authorization server by oidc-provider, over TLS, for the host's OAuth client to be held against.
// usage: node oidc.mjs <settings.json>; prints one JSON line once it listens.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import Provider from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { key, cert, redirect, clientKey } = settings;
const issuer = 'https://id.example.test';

const provider = new Provider(issuer, {
  clients: [
    { client_id: 'browser-basic', client_secret: 'basic-client-secret-0123456789', redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'] },
    { client_id: 'browser-post', client_secret: 'post-client-secret-0123456789ab', token_endpoint_auth_method: 'client_secret_post', redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'] },
    { client_id: 'browser-public', token_endpoint_auth_method: 'none', redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'] },
    { client_id: 'browser-key', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [clientKey] }, redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'] },
    { client_id: 'service', client_secret: 'service-client-secret-0123456789', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], scope: 'read' },
    { client_id: 'service-key', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [clientKey] }, redirect_uris: [], response_types: [], grant_types: ['client_credentials'], scope: 'read' },
  ],
  scopes: ['openid', 'offline_access', 'read', 'write'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: false },
  },
  pkce: { required: () => true },
  // Each refresh token works once; a second use of one ends the whole grant.
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  ttl: { AccessToken: 300, ClientCredentials: 300, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  cookies: { keys: ['only for this test'] },
});
const server = https.createServer({ key, cert }, provider.callback());
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
