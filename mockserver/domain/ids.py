"""Ids that repeat: a function of seed, sandbox, kind and a counter kept in the sandbox."""

from __future__ import annotations

import string
from hashlib import blake2b
from typing import Final
from uuid import UUID

from mockserver.domain.ports import Tx

MATERIAL: Final = 32
SEED_KEY: Final = "seed"
_ALPHABET = string.digits + string.ascii_lowercase


class Ids:
    """Material for ids: repeats with the seed, differs between sandboxes, kinds and numbers."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._key = blake2b(b"%x" % seed).digest()

    def draw(self, sandbox: str, kind: str, n: int) -> bytes:
        """Return the 32 bytes that belong to the n-th of a kind in a sandbox; one draw serves one id."""
        digest = blake2b(n.to_bytes(8, "big"), key=self._key, digest_size=MATERIAL)
        # Each text goes in behind its length: ("ab", "c") and ("a", "bc") are different messages.
        for text in (sandbox.encode(), kind.encode()):
            digest.update(len(text).to_bytes(8, "big") + text)
        return digest.digest()

    def next(self, tx: Tx, sandbox: str, kind: str) -> bytes:
        """Count one more of a kind, from 1, in this transaction and return its 32 bytes."""
        key = f"ids/{kind}"
        n = int(tx.get(key) or b"0") + 1
        tx.put(key, b"%d" % n)
        return self._of(tx).draw(sandbox, kind, n)

    def seed_of(self, tx: Tx) -> int:
        """The seed that a sandbox goes by: the server's, or that of the server its state came from."""
        return self._of(tx).seed

    def _of(self, tx: Tx) -> Ids:
        # A state that was brought from another server goes on with that server's ids.
        brought = tx.get(SEED_KEY)
        return self if brought is None or int(brought) == self.seed else Ids(int(brought))


def hex32(material: bytes) -> str:
    """Return 32 lower-case hexadecimal digits."""
    return material[:16].hex()


def uuid4(material: bytes) -> str:
    """Return a version 4 UUID in its usual writing."""
    return str(UUID(bytes=material[:16], version=4))


def alnum(material: bytes, length: int) -> str:
    """Return so many lower-case letters and digits, up to one for each byte of the material."""
    if length > len(material):
        raise ValueError(f"{length} characters asked of {len(material)} bytes of material")
    number = int.from_bytes(material, "big")
    return "".join(_ALPHABET[number // 36**place % 36] for place in range(length))
