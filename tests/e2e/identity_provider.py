"""An identity provider of the test's own on 127.0.0.1: signed tokens, and over TLS the keys they are checked by."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.authorities import Authority

# Every resolver knows that names below localhost are this machine (RFC 6761); Envoy's takes no address of one label.
HOST = "id.localhost"
ISSUER, AUDIENCE = f"https://{HOST}", "llm"


class _Server(ThreadingHTTPServer):
    """Each connection speaks TLS with the certificate of the moment."""

    daemon_threads = True
    tls: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError):  # who does not take the certificate leaves
            super().finish_request(self.tls.wrap_socket(request, server_side=True), client_address)


class IdentityProvider:
    """`asked`: how many requests for its keys it has answered."""

    def __init__(self, folder: Path) -> None:
        self.authority, self._folder, self.asked = Authority("identity provider"), folder, 0
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                body = json.dumps({"keys": [provider._public()]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.present(HOST)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def keys_address(self) -> str:
        return f"https://{HOST}:{self._server.server_address[1]}/keys"

    def present(self, name: str) -> None:
        """From now on it shows a certificate of this name, signed by the same authority."""
        public, private = self.authority.issue(name)
        file = self._folder / "provider.pem"
        file.write_bytes(public + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._server.tls = context

    def token(self, key: rsa.RSAPrivateKey | None = None, **claims: Any) -> str:
        """A token that is good, but for `claims`; None takes one out. `key`: who signs in its place."""
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 600}
        told = {name: value for name, value in {**good, **claims}.items() if value is not None}
        signed = f"{_text({'alg': 'RS256', 'kid': 'one', 'typ': 'JWT'})}.{_text(told)}"
        signature = (key or self._key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"

    def unsigned(self) -> str:
        """The claims of a good one and no signature: `alg: none`."""
        return f"{_text({'alg': 'none', 'kid': 'one'})}.{self.token().split('.')[1]}."

    def confused(self) -> str:
        """Signed with the public key as if it were a shared secret (RFC 8725, 2.1)."""
        form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        signed = f"{_text({'alg': 'HS256', 'kid': 'one'})}.{self.token().split('.')[1]}"
        secret = self._key.public_key().public_bytes(*form)
        return f"{signed}.{_encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _public(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        modulus, exponent = (_encoded(n.to_bytes((n.bit_length() + 7) // 8)) for n in (numbers.n, numbers.e))
        return {"kty": "RSA", "kid": "one", "alg": "RS256", "use": "sig", "n": modulus, "e": exponent}


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _text(content: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(content).encode())
