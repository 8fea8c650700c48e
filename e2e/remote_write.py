"""Native histograms into a Prometheus that receives remote writes: promtool makes blocks of floats only.

The messages are those of Prometheus remote write 1.0 (protobuf, snappy), written by hand: a handful of fields, and
a compressed form that consists of literals alone.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from typing import Final

import requests

from e2e.histories import HistogramSeries

_CHUNK: Final = 1 << 16
_SAMPLES: Final = 2_000
_VARINT, _FIXED, _BYTES = 0, 1, 2
_CUSTOM_BUCKETS: Final = -53
_HEADERS: Final = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def push(url: str, histograms: Iterable[HistogramSeries]) -> None:
    """Write histograms to the Prometheus at `url`, oldest samples first.

    Bounds that are 2^n, n ascending by one, become an exponential histogram; others custom buckets.

    Raises:
        RuntimeError: Prometheus refused them.
    """
    for series in histograms:
        for request in _messages(series):
            answer = requests.post(f"{url}/api/v1/write", data=_snappy(request), headers=_HEADERS, timeout=30)
            if not answer.ok:
                raise RuntimeError(f"remote write of {series.metric} was refused: {answer.status_code} {answer.text}")


def _messages(series: HistogramSeries) -> Iterator[bytes]:
    labels = {"__name__": series.metric, **series.labels}
    named = b"".join(
        _message(1, _message(1, name.encode()) + _message(2, value.encode())) for name, value in sorted(labels.items())
    )
    for first in range(0, len(series.times), _SAMPLES):
        samples = range(first, min(first + _SAMPLES, len(series.times)))
        yield _message(1, named + b"".join(_message(4, _sample(series, index)) for index in samples))


def _sample(series: HistogramSeries, index: int) -> bytes:
    counts = [int(count) for count in series.counts[index]]
    exponent = _exponent(series.bounds)
    schema, offset = (_CUSTOM_BUCKETS, 0) if exponent is None else (0, exponent)
    deltas = [count - before for count, before in zip(counts, [0, *counts], strict=False)]
    parts = [
        _number(1, sum(counts)),
        _double(3, float(sum(counts))),
        _number(4, _zigzag(schema)),
        _message(11, _number(1, _zigzag(offset)) + _number(2, len(counts))),
        _message(12, b"".join(_varint(_zigzag(delta)) for delta in deltas)),
        _number(15, int(series.times[index]) * 1000),
    ]
    if exponent is None:
        parts.append(_message(16, struct.pack(f"<{len(series.bounds)}d", *series.bounds)))
    return b"".join(parts)


def _exponent(bounds: tuple[float, ...]) -> int | None:
    """Return n where the bounds are 2^n, 2^(n + 1), …; None where they are not."""
    first = math.frexp(bounds[0])[1] - 1
    return first if all(bound == 2.0 ** (first + index) for index, bound in enumerate(bounds)) else None


def _snappy(plain: bytes) -> bytes:
    chunks = (plain[first : first + _CHUNK] for first in range(0, len(plain), _CHUNK))
    # 61 << 2 marks a literal whose length - 1 follows in two bytes.
    return _varint(len(plain)) + b"".join(struct.pack("<BH", 61 << 2, len(chunk) - 1) + chunk for chunk in chunks)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | _FIXED) + struct.pack("<d", value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else -value * 2 - 1


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
