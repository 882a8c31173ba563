"""A box on the way to the Pilot that opens TLS and lets requests through, but no WebSocket."""

import http.client
import http.server
import ssl
import threading
from typing import Final

from lab_identity import Identity

#: Longest time a request may wait at the Pilot. Source: agents/protocol/README.md, section 1.2.
_WAIT_S: Final = 90.0


class Box:
    """Serves TLS with an identity, and trusts its authority at the Pilot."""

    def __init__(self, identity: Identity, *, pilot_port: int) -> None:
        """Listen.

        :param pilot_port: where the Pilot serves TLS, sooner or later.
        """
        near = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        near.load_cert_chain(identity.file)
        #: How many WebSockets were refused, and how many requests were let through.
        self.refused = 0
        self.passed = 0
        box, far = self, ssl.create_default_context(cafile=str(identity.authority))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                box.refused += 1
                self.send_error(403)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                pilot = http.client.HTTPSConnection(
                    "127.0.0.1", pilot_port, timeout=_WAIT_S, context=far
                )
                try:
                    pilot.request("POST", self.path, body)
                    answer = pilot.getresponse()
                    content = answer.read()
                except OSError:
                    self.send_error(502)
                    return
                finally:
                    pilot.close()
                box.passed += 1
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = near.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
