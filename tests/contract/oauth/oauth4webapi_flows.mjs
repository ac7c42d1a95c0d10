// npm's oauth4webapi against the host's authorization server: every flow that it knows, and refusals where they belong.
//
//   node oauth4webapi_flows.mjs keys DIR   makes keys; public.json has their public halves
//   node oauth4webapi_flows.mjs run DIR    goes through the flows; config.json says where, and as whom
import * as oauth from 'oauth4webapi';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , command, dir] = process.argv;
const KINDS = {
  eddsa: { name: 'Ed25519' },
  es256: { name: 'ECDSA', namedCurve: 'P-256' },
  rs256: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  dpop: { name: 'ECDSA', namedCurve: 'P-256' },
  dpop_public: null,
};

if (command === 'keys') {
  const [open, closed] = [{}, {}];
  for (const [name, algorithm] of Object.entries(KINDS)) {
    if (!algorithm) { open[name] = null; continue; }
    const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', publicKey);
    open[name] = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }));
    closed[name] = [await crypto.subtle.exportKey('jwk', publicKey), await crypto.subtle.exportKey('jwk', privateKey)];
  }
  writeFileSync(join(dir, 'public.json'), JSON.stringify(open));
  writeFileSync(join(dir, 'private.json'), JSON.stringify(closed), { mode: 0o600 });
  process.exit(0);
}

const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'));
const stored = JSON.parse(readFileSync(join(dir, 'private.json'), 'utf8'));
const loopback = { [oauth.allowInsecureRequests]: true };
const ok = (what) => console.log(`ok ${what}`);
const assert = (fine, what) => { if (!fine) throw new Error(`not so: ${what}`); ok(what); };

async function pair(name) {
  const algorithm = KINDS[name];
  const [open, closed] = stored[name];
  return {
    publicKey: await crypto.subtle.importKey('jwk', open, algorithm, true, ['verify']),
    privateKey: await crypto.subtle.importKey('jwk', closed, algorithm, false, ['sign']),
  };
}

async function refused(promise, error, what) {
  try { await promise; } catch (e) {
    const found = e.error ?? e.cause?.error ?? e.cause?.[0]?.parameters?.error ?? e.code;
    const body = e.response && !e.response.bodyUsed ? await e.response.json().catch(() => ({})) : {};
    const code = body.error ?? found;
    if (code === error) return ok(`${what}: ${error}`);
    throw new Error(`${what}: expected ${error}, found ${code}: ${e}`);
  }
  throw new Error(`${what}: expected ${error}, and it went through`);
}

const issuer = new URL(config.issuer);
const as = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...loopback }));
ok('discovery (RFC 8414)');

const who = async (name) => {
  const client = { client_id: config.clients[name] };
  if (name.startsWith('dpop')) return { client, auth: oauth.None() };
  return { client, auth: oauth.PrivateKeyJwt((await pair(name)).privateKey) };
};

async function credentials(name, parameters, options = {}) {
  const { client, auth } = await who(name);
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, { ...loopback, ...options });
  return oauth.processClientCredentialsResponse(as, client, response);
}

for (const name of ['eddsa', 'es256', 'rs256']) {
  const answer = await credentials(name, { scope: 'kv:read' });
  assert(answer.token_type === 'bearer' && answer.expires_in <= 300 && answer.access_token.startsWith('pct_'),
    `client credentials with private_key_jwt, ${name}`);
}

// What a browser does: follows to the page, and looks until an admin has decided.
async function browse(url) {
  const first = await fetch(url, { redirect: 'manual' });
  const to = new URL(first.headers.get('location'), url);
  const cookie = first.headers.get('set-cookie')?.split(';')[0];
  if (!cookie) return to;
  for (let look = 0; look < 200; look += 1) {
    const page = await fetch(to, { redirect: 'manual', headers: { cookie } });
    if (page.status === 303) return new URL(page.headers.get('location'));
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error('nobody decided');
}

async function authorize(name, more = {}) {
  const { client } = await who(name);
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  for (const [key, value] of Object.entries({
    client_id: client.client_id, redirect_uri: config.redirect, response_type: 'code', scope: 'tickets:read', state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  })) url.searchParams.set(key, value);
  return { back: await browse(url), verifier, state };
}

async function redeem(name, { back, verifier, state }, options = {}) {
  const { client, auth } = await who(name);
  // Checks `state` and, since the metadata says so, `iss` (RFC 9207).
  const params = oauth.validateAuthResponse(as, client, back, state);
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, auth, params, config.redirect, verifier, { ...loopback, ...options });
  return oauth.processAuthorizationCodeResponse(as, client, response);
}

async function refresh(name, token, options = {}) {
  const { client, auth } = await who(name);
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, token, { ...loopback, ...options });
  return oauth.processRefreshTokenResponse(as, client, response);
}

const api = new URL(`${config.issuer}/api/whoami`);
const call = (token, options = {}) =>
  oauth.protectedResourceRequest(token, 'GET', api, undefined, null, { ...loopback, ...options });

const code = await authorize('es256');
const tokens = await redeem('es256', code);
assert(tokens.refresh_token.startsWith('pcr_'), 'authorization code with PKCE S256, state and iss');
assert((await (await call(tokens.access_token)).json()).client === config.clients.es256, 'the token is good at the resource');
const next = await refresh('es256', tokens.refresh_token);
assert(next.refresh_token !== tokens.refresh_token, 'refresh gives another refresh token');
const again = await refresh('es256', tokens.refresh_token);
assert(again.refresh_token === next.refresh_token, 'a retry gives the same successor');
await refused(refresh('es256', tokens.refresh_token), 'invalid_grant', 'a second retry');
await refused(refresh('es256', next.refresh_token), 'invalid_grant', 'and the family has ended');

const twice = await authorize('es256');
await redeem('es256', twice);
await refused(redeem('es256', twice), 'invalid_grant', 'a code used twice');
await refused(
  (async () => oauth.validateAuthResponse(as, { client_id: config.clients.es256 }, (() => {
    const other = new URL(twice.back); other.searchParams.set('iss', 'https://other.example'); return other;
  })(), twice.state))(), 'OAUTH_INVALID_RESPONSE', 'an answer of another issuer (mix-up)');
const plain = await authorize('es256', { code_challenge_method: 'plain' });
assert(plain.back.searchParams.get('error') === 'invalid_request', 'PKCE plain is refused');

// RFC 8693, with authorization details (RFC 9396).
const wide = await credentials('eddsa', { scope: 'tickets:read kv:read' });
const details = JSON.stringify([{ type: 'portcullis_scope', scope: 'tickets:read fields=subject' }]);
async function exchange(name, subject) {
  const { client, auth } = await who(name);
  const response = await oauth.genericTokenEndpointRequest(as, client, auth,
    'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: subject, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      authorization_details: details,
    }, loopback);
  return oauth.processGenericTokenEndpointResponse(as, client, response);
}
const narrow = await exchange('rs256', wide.access_token);
const seen = await (await call(narrow.access_token)).json();
assert(JSON.stringify(seen.scopes) === '["tickets:read fields=subject"]' && seen.actors.length === 2,
  'token exchange narrows, and names the actor');

async function introspect(name, token) {
  const { client, auth } = await who(name);
  const response = await oauth.introspectionRequest(as, client, auth, token, loopback);
  return oauth.processIntrospectionResponse(as, client, response);
}
const known = await introspect('rs256', narrow.access_token);
assert(known.active && known.act.sub === config.clients.rs256 && known.sub === config.clients.eddsa, 'introspection, with act');
assert((await introspect('eddsa', narrow.access_token)).active === false, "another's token is not active");
{
  const { client, auth } = await who('eddsa');
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, wide.access_token, loopback));
  await refused(call(narrow.access_token), 'invalid_token', 'revocation ends what was narrowed from it');
}

// RFC 9449.
{
  const keys = await pair('dpop');
  const DPoP = oauth.DPoP({ client_id: config.clients.dpop }, keys);
  const bound = await credentials('dpop', { scope: 'kv:read' }, { DPoP });
  assert(bound.token_type === 'dpop', 'client credentials with DPoP alone');
  assert((await call(bound.access_token, { DPoP })).status === 200, 'a bound token with its proof');
  await refused(call(bound.access_token), 'invalid_token', 'a bound token as Bearer');
  const other = oauth.DPoP({ client_id: 'x' }, await oauth.generateKeyPair('ES256'));
  await refused(call(bound.access_token, { DPoP: other }), 'invalid_dpop_proof', "a bound token with another's proof");
}
{
  const keys = await oauth.generateKeyPair('ES256');
  const DPoP = oauth.DPoP({ client_id: config.clients.dpop_public }, keys);
  const first = await redeem('dpop_public', await authorize('dpop_public', { dpop_jkt: await DPoP.calculateThumbprint() }), { DPoP });
  assert(first.token_type === 'dpop', 'a public client is bound to the key that it came with');
  const second = await refresh('dpop_public', first.refresh_token, { DPoP });
  assert((await call(second.access_token, { DPoP })).status === 200, 'and refreshes with it');
}
console.log('all done');
