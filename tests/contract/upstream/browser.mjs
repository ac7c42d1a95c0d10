// A browser without scripts: follows redirects, keeps cookies by host, fills in the forms that it meets.
// usage: node browser.mjs <settings.json>; prints what it saw as one JSON line.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const { start, hosts, ca, answer, cookies: given } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const jar = new Map(Object.entries(given ?? {}).map(([host, pairs]) => [host, new Map(Object.entries(pairs))]));

function once(method, url, form, cross) {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const at = hosts[url.hostname];
    const options = { method, path: url.pathname + url.search, headers: { host: url.host, accept: 'text/html' }, ca };
    if (at) Object.assign(options, { host: '127.0.0.1', port: at, servername: url.hostname });
    else Object.assign(options, { host: url.hostname, port: url.port });
    const cookies = [...(jar.get(url.hostname) ?? new Map()).values()]
      // SameSite: from another site, Strict stays at home, and Lax goes with a plain navigation only.
      .filter((one) => !cross || (one.site !== 'strict' && method === 'GET'))
      .map((one) => `${one.name}=${one.value}`);
    if (cookies.length) options.headers.cookie = cookies.join('; ');
    if (form) Object.assign(options.headers, { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(form) });
    const request = (secure ? https : http).request(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => {
        for (const line of response.headers['set-cookie'] ?? []) {
          const [pair, ...rest] = line.split(';').map((part) => part.trim());
          const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
          const site = rest.find((part) => /^samesite=/i.test(part))?.split('=')[1].toLowerCase();
          if (!jar.has(url.hostname)) jar.set(url.hostname, new Map());
          if (value === '' || rest.some((part) => /^expires=thu, 01 jan 1970/i.test(part))) jar.get(url.hostname).delete(name);
          else jar.get(url.hostname).set(name, { name, value, site });
        }
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    });
    request.on('error', reject);
    request.end(form);
  });
}

const trail = [];
let [method, url, form, from] = ['GET', new URL(start), undefined, undefined];
let last;
for (let step = 0; step < 30; step += 1) {
  last = await once(method, url, form, from !== undefined && from !== url.hostname);
  trail.push({ method, url: url.origin + url.pathname, status: last.status });
  if (process.env.SHOW) console.error(method, url.href, last.status);
  if (last.status >= 300 && last.status < 400) {
    const to = new URL(last.headers.location, url);
    // A navigation keeps the site that it began from.
    from = from ?? url.hostname;
    if (to.hostname !== url.hostname) from = url.hostname;
    [method, url, form] = ['GET', to, undefined];
    continue;
  }
  from = undefined;
  const shown = last.body.match(/<form[^>]*>[\s\S]*?<\/form>/i)?.[0];
  const own = url.pathname.startsWith('/connect/');
  if (!shown || last.status !== 200 || (own && answer === 'look')) break;
  if (!own && answer === 'deny') {
    const abort = last.body.match(/href="([^"]*\/abort)"/);
    if (abort) { [method, url, form] = ['GET', new URL(abort[1], url), undefined]; continue; }
  }
  const fields = new URLSearchParams();
  for (const [tag] of shown.matchAll(/<input[^>]*>/gi)) {
    const attribute = (name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`, 'i'))?.[1];
    const name = attribute('name');
    if (!name) continue;
    const value = attribute('value') ?? (name === 'login' ? 'dana' : 'x');
    fields.append(name, value.replaceAll('&amp;', '&'));
  }
  const action = shown.match(/action="([^"]*)"/i)?.[1];
  [method, url, form] = ['POST', action ? new URL(action, url) : url, fields.toString()];
}
const cookies = Object.fromEntries([...jar].map(([host, all]) => [host, Object.fromEntries(all)]));
console.log(JSON.stringify({ status: last.status, body: last.body, url: url.href, headers: last.headers, trail, cookies }));
