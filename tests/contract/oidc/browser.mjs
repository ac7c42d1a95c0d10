// A browser at the provider: from where it is sent to, until it is sent back. It does not go there: it prints where.
// usage: node browser.mjs <settings.json>, with { start, ca, port, login, amr, acr, deny, cookies }; prints { back, cookies }.
import { readFileSync } from 'node:fs';
import https from 'node:https';

const { start, ca, port, login, amr, acr, deny, cookies } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const jar = new Map(Object.entries(cookies ?? {}));
const said = { 'x-login': login, 'x-amr': amr, 'x-acr': acr, 'x-deny': deny };
const headers = Object.fromEntries(Object.entries(said).filter(([, value]) => value));

const get = (url) => new Promise((resolve, reject) => {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const options = { host: '127.0.0.1', port, servername: url.hostname, ca, path: url.pathname + url.search };
  https.get({ ...options, headers: { ...headers, host: url.host, accept: 'text/html', ...(cookie && { cookie }) } }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk) => (body += chunk));
    response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
  }).on('error', reject);
});

let url = new URL(start);
const here = url.host;
for (let step = 0; step < 20 && url.host === here; step += 1) {
  const { status, headers: got, body } = await get(url);
  for (const line of got['set-cookie'] ?? []) {
    const [pair] = line.split(';');
    jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
  }
  if (!got.location) {
    console.error(status, url.href, body);
    process.exit(1);
  }
  url = new URL(got.location, url);
}
console.log(JSON.stringify({ back: url.href, cookies: Object.fromEntries(jar) }));
