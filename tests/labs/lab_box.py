"""A box on the way to the Pilot that opens TLS and lets requests through, but no WebSocket."""

import http.client
import http.server
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Final

#: Longest time a request may wait at the Pilot. Source: agents/protocol/README.md, section 1.2.
_WAIT_S: Final = 90.0


def write_identity(folder: Path, openssl: str) -> Path:
    """Write a certificate for this machine that vouches for itself, and its key, in one file."""
    path = folder / "identity.pem"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    words = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 1"
    names = ["-subj", "/O=a lab", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, *words.split(), *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(certificate.read_bytes() + key.read_bytes())
    return path


class Box:
    """Serves TLS with an identity, and trusts it at the Pilot, too."""

    def __init__(self, identity: Path, *, pilot_port: int) -> None:
        """Listen.

        :param pilot_port: where the Pilot serves TLS, sooner or later.
        """
        near = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        near.load_cert_chain(identity)
        #: How many WebSockets were refused, and how many requests were let through.
        self.refused = 0
        self.passed = 0
        box, far = self, ssl.create_default_context(cafile=str(identity))

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
