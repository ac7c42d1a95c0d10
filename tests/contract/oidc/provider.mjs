// An OpenID provider by oidc-provider, over TLS, whose people are whoever the browser says: the test's browser says it in headers.
// usage: node provider.mjs <settings.json>; prints one JSON line once it listens, and ends with its standard input.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import Provider from 'oidc-provider';

const { key, cert, redirects } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const issuer = 'https://id.example.test';
const grant_types = ['authorization_code'];

// Where it says that somebody has signed out: what it sends is kept, for the test to bring it on.
let sent = '';
const told = http.createServer((request, response) => {
  sent = '';
  request.on('data', (chunk) => (sent += chunk));
  request.on('end', () => response.end());
});
await new Promise((resolve) => told.listen(0, '127.0.0.1', resolve));
const backchannel_logout_uri = `http://127.0.0.1:${told.address().port}/`;

const provider = new Provider(issuer, {
  clients: [
    { client_id: 'basic', client_secret: 'basic-client-secret-0123456789', redirect_uris: redirects, grant_types, backchannel_logout_uri, backchannel_logout_session_required: true },
    { client_id: 'post', client_secret: 'post-client-secret-0123456789ab', token_endpoint_auth_method: 'client_secret_post', redirect_uris: redirects, grant_types },
    { client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris: redirects, grant_types },
  ],
  acrValues: ['urn:one', 'urn:two'],
  claims: { acr: null, amr: null, auth_time: null, iss: null, sid: null, openid: ['sub', 'email', 'amr', 'acr'] },
  conformIdTokenClaims: false,
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 3600, IdToken: 300, Session: 3600, Interaction: 600 },
  // A provider whose people write whatever address they like into their profile.
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id, email: 'ana@acme.example', email_verified: true }) }),
  cookies: { keys: ['only for this test'] },
});

// The names of its sessions with the client, by whose they are, in the order in which they came.
const sids = {};
provider.on('session.saved', (session) => {
  const sid = session.authorizations?.basic?.sid;
  const known = (sids[session.accountId] ??= []);
  if (sid && !known.includes(sid)) known.push(sid);
});

const answer = provider.callback();
const server = https.createServer({ key, cert }, async (request, response) => {
  if (request.url.startsWith('/signs-out?')) {
    const asked = new URL(request.url, issuer).searchParams;
    const client = await provider.Client.find('basic');
    await client.backchannelLogout(asked.get('who'), sids[asked.get('who')]?.[Number(asked.get('which'))]);
    return response.end(sent);
  }
  if (!request.url.startsWith('/interaction/')) return answer(request, response);
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const { 'x-login': login, 'x-amr': amr, 'x-acr': acr, 'x-deny': deny } = request.headers;
  const result = {};
  if (deny) Object.assign(result, { error: 'access_denied', error_description: '<script>alert(1)</script>' });
  else if (prompt.name === 'login') result.login = { accountId: login, amr: amr?.split(' '), acr };
  else {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope('openid');
    result.consent = { grantId: await grant.save() };
  }
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
