// A receiver of syslog over TLS by Node's OpenSSL, which parses messages with a library that is not ours: npm glossy, at the
// version in package-lock.json.
//
//   node syslog.mjs CERTIFICATE.pem KEY.pem [PORT] [MOST-TLS-VERSION]
//
// Listens on 127.0.0.1, prints its port, and then each message as a line of JSON. A frame whose count is wrong is a line with "wrong" and
// ends the connection. Ends when its standard input does, with unread messages unread.

import { readFileSync } from "node:fs";
import tls from "node:tls";
import glossy from "glossy";

const [certificate, key, port, most] = process.argv.slice(2);
const MOST = 64 * 1024;
const print = (value) => process.stdout.write(JSON.stringify(value) + "\n");

const server = tls.createServer(
  { cert: readFileSync(certificate), key: readFileSync(key), minVersion: "TLSv1.2", maxVersion: most ?? "TLSv1.3" },
  (socket) => {
    let bytes = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      bytes = Buffer.concat([bytes, data]);
      for (;;) {
        const space = bytes.indexOf(0x20);
        if (space < 0 && bytes.length < 8) return;
        const count = bytes.subarray(0, space).toString("ascii");
        if (!/^[1-9][0-9]{0,5}$/.test(count) || Number(count) > MOST) {
          print({ wrong: bytes.subarray(0, 40).toString("latin1") });
          return socket.destroy();
        }
        const end = space + 1 + Number(count);
        if (bytes.length < end) return;
        const parsed = glossy.Parse.parse(bytes.subarray(space + 1, end).toString("ascii"));
        const { type, prival, facility, host, appName, msgID, time, structuredData, message } = parsed;
        bytes = bytes.subarray(end);
        print({ type, prival, facility, host, appName, msgID, time, structuredData, message, tls: socket.getProtocol() });
      }
    });
  },
);
server.listen(Number(port ?? 0), "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
