// An authorization server by oauth2-mock-server, over TLS.
// usage: node mock.mjs <settings.json>; prints one JSON line once it listens.
import { readFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuth2Server } from 'oauth2-mock-server';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const dir = mkdtempSync(join(tmpdir(), 'mock-'));
const [key, cert] = ['key', 'cert'].map((name) => {
  const path = join(dir, `${name}.pem`);
  writeFileSync(path, settings[name], { mode: 0o600 });
  return path;
});
const server = new OAuth2Server(key, cert);
await server.issuer.keys.generate('RS256');
await server.start(0, '127.0.0.1');
server.issuer.url = 'https://mock.example.test';
const seen = [];
server.service.on('beforeResponse', (response, request) => {
  seen.push(request.body);
  // What it was asked with shows that PKCE and the rest arrived.
  response.body.echo = Object.keys(request.body).sort().join(' ');
});
console.log(JSON.stringify({ port: server.address().port }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
