"""A small HTTP service: greets, says how it is, and finishes its requests when asked to stop."""

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STARTED = time.monotonic()
VERSION = os.environ.get("GREENROOM_VERSION", "unknown")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/health"):
            health = {
                "status": "ok",
                "version": VERSION,
                "uptime": time.monotonic() - STARTED,
            }
            self.answer("application/json", json.dumps(health))
        else:
            self.answer(
                "text/plain", f"{os.environ.get('GREETING', 'hello')} from {VERSION}\n"
            )

    def answer(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """One line per request would say nothing new."""


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
signal.signal(
    signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start()
)
server.serve_forever()
