"""A collector of OTLP logs over HTTP, which reads requests by definitions that are not ours: PyPI opentelemetry-proto, at the version
in requirements.txt.

    python otlp.py '["busy", "partial"]' [PORT]

Listens on 127.0.0.1, prints its port, and then each record that it took as a line of JSON. The n-th request is answered as the n-th word
says, later ones with success: `busy` 503 with Retry-After, `partial` a success that refuses one record, `unauthorized` 401. Whatever
cannot be read by the definitions, unknown fields included, or has a record with the word `unfit-for-collectors` in it, gets 400. Ends
when its standard input does.
"""

import base64
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

ANSWERS = json.loads(sys.argv[1])
MOST = 16 << 20
LOCK = threading.Lock()


def based(record):
    """OTLP has trace and span ids as hex, where protobuf's own JSON has base64."""
    for name, length in (("traceId", 32), ("spanId", 16)):
        if name in record:
            assert len(record[name]) == length, name
            record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        with LOCK:
            body = self.rfile.read(min(int(self.headers.get("content-length", 0)), MOST))
            answer = ANSWERS.pop(0) if ANSWERS else "fine"
            if answer == "busy":
                return self.answer(503, {}, {"retry-after": "1"})
            if answer == "unauthorized":
                return self.answer(401, {}, {})
            try:
                assert self.path == "/v1/logs" and self.headers["content-type"] == "application/json"
                value = json.loads(body)
                records = [r for a in value["resourceLogs"] for b in a["scopeLogs"] for r in b["logRecords"]]
                for record in records:
                    based(record)
                request = json_format.ParseDict(value, ExportLogsServiceRequest(), ignore_unknown_fields=False)
                assert b"unfit-for-collectors" not in body, "a record is unfit"
            except (AssertionError, ValueError, KeyError, json_format.ParseError) as error:
                return self.answer(400, {"message": f"{type(error).__name__}: {error}"}, {})
            for resource in request.resource_logs:
                about = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_logs:
                    for record in scope.log_records:
                        self.took(about, record)
            refused = {"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "one is too many"}}
            self.answer(200, refused if answer == "partial" else {}, {})

    def took(self, about, record):
        attributes = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in record.attributes}
        print(
            json.dumps(
                {
                    "service": about["service.name"],
                    "time": record.time_unix_nano,
                    "severity": record.severity_number,
                    "event": record.event_name,
                    "trace": record.trace_id.hex(),
                    "span": record.span_id.hex(),
                    "attributes": attributes,
                    "body": json.loads(record.body.string_value),
                    "authorization": self.headers.get("x-api-key"),
                }
            ),
            flush=True,
        )

    def answer(self, status, value, headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    allow_reuse_address = True


server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Collector)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
