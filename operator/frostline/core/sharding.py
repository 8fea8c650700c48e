"""How rules are shared out over files and groups: by the hash of a promise's name, so that little moves.

A place is a prefix of hashes in bits. It is split in two when more belongs there than fits, and is whole again when it
fits again. Where a promise stands so depends on what there is, never on what came first, and one that comes or goes
rewrites its own file alone, or splits it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_BITS: Final = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """Something to place: its hash, how much it weighs, and what it is."""

    bits: str
    weight: int
    value: T


@dataclass(frozen=True, slots=True)
class Bucket(Generic[T]):
    """What stands in one place; `prefix` is of bits, such as 0110, and empty where one place holds everything."""

    prefix: str
    items: tuple[Item[T], ...]


def bits(key: str) -> str:
    """Return the hash of a key as 64 bits, each a character."""
    digest = hashlib.blake2b(key.encode(), digest_size=_BITS // 8).digest()
    return f"{int.from_bytes(digest):0{_BITS}b}"


def shared_out(items: Sequence[Item[T]], *, most: int, weight: int, prefix: str = "") -> Iterator[Bucket[T]]:
    """Yield places with at most `most` items that weigh at most `weight` together, in the order of their prefixes.

    An item that is too heavy on its own stands alone. Items in a place are in the order of their hashes.
    """
    if not items:
        return
    fits = len(items) <= most and sum(item.weight for item in items) <= weight
    if fits or len(items) == 1 or len(prefix) == _BITS:
        yield Bucket(prefix, tuple(sorted(items, key=lambda item: item.bits)))
        return
    for bit in "01":
        half = [item for item in items if item.bits[len(prefix)] == bit]
        yield from shared_out(half, most=most, weight=weight, prefix=prefix + bit)
