"""A back end that checks messages with a library that is not ours: PyPI standardwebhooks, at the version in requirements.txt.

    echo '{"old": "whsec_...", "new": "whsec_..."}' | python receiver.py

Listens on 127.0.0.1, prints its port, and checks what is posted to /<name> with the secret of that name alone. Answers 200 and
the message's type where the library accepts it, 400 and the library's words where it does not. Ends when its standard input does.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRETS = json.loads(sys.stdin.readline())
MOST = 1 << 20


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), MOST))
        name = self.path.strip("/")
        try:
            message = Webhook(SECRETS[name]).verify(body, dict(self.headers.items()))
            self.answer(200, message["type"])
        except (WebhookVerificationError, ValueError) as error:
            self.answer(400, f"{type(error).__name__}: {error}")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def watch():
    sys.stdin.read()
    os._exit(0)


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=watch, daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()
