"""The installation's signing key: made once, kept private, its public half exportable."""

import os
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib import signer as securesystems

from quantumlayer.errors import EnvironmentError_, UserError

Signer = securesystems.CryptoSigner  # pyright: ignore[reportPrivateImportUsage]
PublicKey = securesystems.SSlibKey  # pyright: ignore[reportPrivateImportUsage]
PRIVATE = "signing.pem"
PUBLIC = "signing.pub.pem"


def signing_key(home: Path) -> Signer:
    """The key in `home/keys/`, made at the first call. Raises `EnvironmentError_` when unreadable, damaged or not private."""
    folder = home / "keys"
    path = folder / PRIVATE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _create(folder)
        if path.stat().st_mode & 0o077:
            raise EnvironmentError_(f"others can read the signing key {path}", hint=f"chmod 600 {path}")
        key = load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, Ed25519PrivateKey) and not (folder / PUBLIC).exists():
            _publish(folder, Signer(key).public_key)
    except OSError as error:
        raise EnvironmentError_(f"cannot keep a signing key: {error}", hint=f"make {folder} writable for you") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EnvironmentError_(
            f"the signing key {path} is damaged: {error}", hint="restore it from a backup, or delete it to have a new one made"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise EnvironmentError_(f"{path} is not an Ed25519 key", hint="delete it to have a new one made")
    return Signer(key)


def public_key(home: Path) -> PublicKey | None:
    """The public half of the key in `home/keys/`, None where no key was made yet. Raises as `signing_key` does."""
    return signing_key(home).public_key if (home / "keys" / PRIVATE).exists() else None


def read_public_key(path: Path) -> PublicKey:
    """A public key from a PEM file. Raises `UserError` when it is missing or no Ed25519 key."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UserError(f"cannot read a public key from {path}: {error}", hint="give a PEM file with an Ed25519 key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UserError(f"{path} is not an Ed25519 public key")
    return PublicKey.from_crypto(key)


def public_pem(key: PublicKey) -> str:
    """The key as PEM, for OpenSSL and others."""
    raw = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
    return raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _create(folder: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = folder / f".{PRIVATE}.{secrets.token_hex(8)}"
    _write(draft, private, 0o600)
    try:
        os.link(draft, folder / PRIVATE)
    except FileExistsError:
        return  # another process made one at the same time: its key is the key
    finally:
        draft.unlink()


def _publish(folder: Path, key: PublicKey) -> None:
    draft = folder / f".{PUBLIC}.{secrets.token_hex(8)}"
    _write(draft, public_pem(key).encode(), 0o644)
    draft.replace(folder / PUBLIC)


def _write(path: Path, content: bytes, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
