"""The installation's secret key and everything derived from it.

One random key, kept outside the database, is the root of everything: the pepper for hashing
generated secrets, the key that seals private keys and webhook secrets at rest, the keys of
signed links, and the key that signs checkpoints. With a copy of the database alone nobody can
log in, unseal or sign anything. Machines that share a database must share this key; the store
keeps its fingerprint, so that a machine with another key refuses to start.
"""

import base64
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32


class BadKey(ValueError):
    """The secret key is too short, or its file is damaged."""


class Sealed(Exception):
    """A stored value was sealed under another key."""


class Vault:
    """Keys derived from one secret (HKDF-like: HMAC-SHA-256 of a purpose under the root)."""

    def __init__(self, root: bytes) -> None:
        if len(root) < KEY_BYTES:
            raise BadKey(f"the secret key has {len(root)} octets and needs {KEY_BYTES}: openssl rand -hex 32 makes one")
        self._root = root
        self._pepper = self.derive("pepper")
        self._fernet = Fernet(base64.urlsafe_b64encode(self.derive("seal")))
        self._signer = Ed25519PrivateKey.from_private_bytes(self.derive("checkpoint"))

    def derive(self, purpose: str) -> bytes:
        """A 32-octet key for one purpose."""
        return hmac.digest(self._root, purpose.encode(), "sha256")

    @property
    def fingerprint(self) -> str:
        """What the store keeps to recognise the key."""
        return sha256(self.derive("fingerprint")).hexdigest()[:32]

    def digest(self, secret: str) -> str:
        """The keyed hash under which a generated secret is stored."""
        return hmac.digest(self._pepper, secret.encode(), "sha256").hex()

    def seal(self, words: str) -> str:
        """Encrypt and authenticate a text, for storage in a column."""
        return self._fernet.encrypt(words.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text that `seal` sealed; raises Sealed if that was under another key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Sealed("it was encrypted with another secret key") from error

    def sign(self, payload: str) -> str:
        """An Ed25519 signature, in hex."""
        return self._signer.sign(payload.encode()).hex()

    @property
    def public_key(self) -> str:
        """The public half of the signing key, in hex."""
        return self._signer.public_key().public_bytes_raw().hex()

    def signed(self, public_key: str, signature: str, payload: str) -> bool:
        """Whether our own key made this signature: a valid one of another key does not count."""
        if not hmac.compare_digest(public_key, self.public_key):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
                bytes.fromhex(signature), payload.encode()
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def read_or_make(path: Path) -> Vault:
    """The vault whose key is in `path`; if there is no file, a new key is made, readable by its owner alone.

    Raises BadKey if the file is damaged: a new key could not open anything the old one sealed.
    """
    if path.exists():
        try:
            return Vault(bytes.fromhex(path.read_text().strip()))
        except ValueError:
            raise BadKey(f"{path} does not hold a key of {KEY_BYTES} octets in hex: restore it from a backup") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    root = secrets.token_bytes(KEY_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(root.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return Vault(root)
