"""Google's token endpoint: whoever signs with the service account's key gets a token."""

from __future__ import annotations

import base64
import json
import secrets
import time
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from support.file_handler import FileHandler
from support.recording import RecordingServer

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = {
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/devstorage.read_only",
}
# Google's library names it as the audience, whatever the key file says.
AUDIENCE = "https://oauth2.googleapis.com/token"
LIFETIME = 3600


class Refused(Exception):  # noqa: N818 -- reads as OAuth says it
    """The reason why there is no token."""


class TokenServer(RecordingServer):
    """The endpoint, and the one account that it knows; a context manager."""

    def __init__(self) -> None:
        super().__init__(partial(_Handler, self))
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._email = "reader@slugfit-tests.iam.gserviceaccount.com"
        self._tokens: set[str] = set()

    @property
    def url(self) -> str:
        """Where tokens are to be had."""
        return f"http://127.0.0.1:{self.port}/token"

    @property
    def service_account(self) -> dict[str, str]:
        """The account as Google's key files describe it."""
        key = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": "slugfit-tests",
            "private_key_id": "1",
            "private_key": key.decode(),
            "client_email": self._email,
            "client_id": "1",
            "token_uri": self.url,
        }

    def has_issued(self, token: str) -> bool:
        """Whether `token` is one of ours, and not revoked."""
        return token in self._tokens

    def revoke(self) -> None:
        """Let no token be valid that was issued before."""
        self._tokens.clear()

    def issue(self, form: dict[str, list[str]]) -> str:
        """Return a token for a request's form. Raises Refused."""
        if form.get("grant_type") != [GRANT]:
            raise Refused("unsupported_grant_type")
        signed, _, signature = form.get("assertion", [""])[0].rpartition(".")
        try:
            self._key.public_key().verify(
                _decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            raise Refused("Invalid JWT Signature.") from None
        self._check(json.loads(_decoded(signed.partition(".")[2])), now=time.time())
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self._tokens.add(token)
        return token

    def _check(self, claims: dict[str, Any], now: float) -> None:
        if claims.get("iss") != self._email or claims.get("aud") not in (self.url, AUDIENCE):
            raise Refused("Invalid issuer or audience.")
        if not SCOPES & set(claims.get("scope", "").split()):
            raise Refused("Invalid OAuth scope.")
        # Clocks may differ by some seconds.
        issued, expires = claims.get("iat", 0), claims.get("exp", 0)
        if not (issued - 60 < now < expires <= issued + LIFETIME):
            raise Refused("Invalid JWT: Token must be a short-lived token (60 minutes).")


class _Handler(FileHandler):
    def __init__(self, tokens: TokenServer, *connection: Any) -> None:
        self._tokens = tokens
        super().__init__(*connection)

    def do_POST(self) -> None:  # noqa: N802 -- the name that http.server looks for
        self._tokens.record(self.seen())
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            token = self._tokens.issue(parse_qs(body))
        except Refused as refusal:
            self.send_json({"error": "invalid_grant", "error_description": str(refusal)}, 400)
        else:
            expiry = {"expires_in": LIFETIME - 1, "token_type": "Bearer"}
            self.send_json({"access_token": token, **expiry})


def _decoded(text: str) -> bytes:
    """The bytes behind a part of a JWT, which leaves the padding off."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
