// A back end that checks messages with a library that is not ours: npm standardwebhooks, at the version in package-lock.json; and
// what is signed with Ed25519, which that library does not know, with Node's own cryptography.
//
//     echo '{"old": "whsec_...", "key": "whpk_..."}' | node receiver.mjs
//
// Listens on 127.0.0.1, prints its port, and checks what is posted to /<name> with the key of that name alone. Answers 200 and the
// message's type where it is accepted, 400 and why where it is not. Ends when its standard input does.

import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

const MOST = 1 << 20;
// The DER of an Ed25519 public key, less the key itself (RFC 8410).
const PREFIX = Buffer.from("302a300506032b6570032100", "hex");

function asymmetric(key, body, headers) {
  const raw = Buffer.from(key.slice("whpk_".length), "base64");
  const publicKey = createPublicKey({ key: Buffer.concat([PREFIX, raw]), format: "der", type: "spki" });
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  const good = headers["webhook-signature"]
    .split(" ")
    .filter((one) => one.startsWith("v1a,"))
    .some((one) => verify(null, signed, publicKey, Buffer.from(one.slice(4), "base64")));
  if (!good) throw new Error("No matching signature found");
  return JSON.parse(body.toString());
}

const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit(0));
lines.once("line", (line) => {
  const keys = JSON.parse(line);
  const server = createServer((request, response) => {
    const parts = [];
    let length = 0;
    request.on("data", (part) => {
      length += part.length;
      if (length > MOST) request.destroy();
      else parts.push(part);
    });
    request.on("end", () => {
      const body = Buffer.concat(parts);
      const key = keys[request.url.slice(1)];
      try {
        const check = key.startsWith("whpk_") ? asymmetric : (k, b, h) => new Webhook(k).verify(b, h);
        const message = check(key, body, request.headers);
        response.writeHead(200).end(message.type);
      } catch (error) {
        response.writeHead(400).end(`${error.name}: ${error.message}`);
      }
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
});
