// Has the provider say that somebody has signed out there, and prints the form that it sends.
// usage: node out.mjs <settings.json>, with { ca, port, who, which }: the person, and which of their sessions, counted from 0.
import { readFileSync } from 'node:fs';
import https from 'node:https';

const { ca, port, who, which } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const path = `/signs-out?${new URLSearchParams({ who, which })}`;
const options = { host: '127.0.0.1', port, servername: 'id.example.test', ca, path, headers: { host: 'id.example.test' } };
https.get(options, (response) => {
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (chunk) => (body += chunk));
  response.on('end', () => (response.statusCode === 200 && body ? process.stdout.write(body) : process.exit(1)));
});
