"""JSON objects kept as compressed text, where there are ten thousand rarely read ones.

Text takes a quarter of the memory of dictionaries, and compressed by what all of them have in common a tenth of that.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

_IN_COMMON: Final = (
    b'{"budget":{"exhaustedIn":"11h","minutesLeft":34.56,"minutesTotal":43.2,"remainingPercent":80},"burnRates":[{"r'
    b'ate":0.2,"window":"1h"},{"rate":0.2,"window":"6h"},{"rate":0.2,"window":"1d"},{"rate":0.2,"window":"3d"}],"con'
    b'ditions":[{"lastTransitionTime":"2026-11-21T10:00:00Z","message":"is measured","observedGeneration":1,"reason"'
    b':"Accepted","status":"True","type":"Accepted"},{"lastTransitionTime":"2026-11-21T10:00:00Z","message":"every b'
    b'ucket of the window is known","observedGeneration":1,"reason":"Measured","status":"True","type":"Measured"},{"'
    b'lastTransitionTime":"2026-11-21T10:00:00Z","message":"SLI 99.980 %, target 99.9 %, 80 % of the budget left","o'
    b'bservedGeneration":1,"reason":"TargetMet","status":"True","type":"WithinObjective"},{"lastTransitionTime":"202'
    b'6-11-21T10:00:00Z","message":"protects is empty: it never holds a release back","observedGeneration":1,"reason'
    b'":"NothingProtected","status":"True","type":"ReleasesOpen"},{"lastTransitionTime":"2026-11-21T10:00:00Z","mess'
    b'age":"next review is due on 2026-11-30","observedGeneration":1,"reason":"ReviewCurrent","status":"True","type"'
    b':"ReviewCurrent"}],"counts":{"bad":261,"valid":1305202},"display":{"budget":"80.0%","burn":"0.20x","exhaustedI'
    b'n":"-","measured":"Measured","minutesLeft":"34.6","sli":"99.980%","target":"99.9%","window":"30d"},"level":"He'
    b'althy","levelSince":"2026-11-21T10:00:00Z","measuredAt":"2026-11-21T10:00:00Z","observedGeneration":1,"queries'
    rb'":{"bad":"sum(increase(http_requests_total{job=\"shop\",code=~\"5..\"}[30d]))","valid":"sum(increase(http_requ'
    rb'ests_total{job=\"shop\"}[30d]))"},"releases":"Open","sli":99.98,"target":99.9,"targetChanges":[]}{"spec":{"bud'
    b'geting":{"method":"Timeslices","sliceLength":"1m","sliceTarget":99},"indicator":{"category":"Availability","la'
    rb'tency":{"histogram":"http_request_duration_seconds{job=\"shop\"}","threshold":"300ms","type":"Classic"},"ratio'
    rb'":{"bad":"http_requests_total{job=\"shop\",code=~\"5..\"}","valid":"http_requests_total{job=\"shop\"}"}},"jour'
    b'ney":"checkout","objective":{"target":99.9},"owner":"team-a","protects":[{"kind":"Deployment","name":"gateway"'
    b'}],"rationale":"because","review":{"every":"90d","last":"2026-09-01"},"tier":3,"window":{"calendar":"Month","r'
    b'olling":"30d","timeZone":"Europe/Berlin"}}}'
)
"""What is likely to stand in a status, then in a manifest: a text like it compresses to what is different."""

_WINDOW_BITS: Final = -13
"""8 KiB, which is more than there is; negative for no header."""
_LITTLE_MEMORY: Final = 5


class Packed(Mapping[str, Any]):
    """A JSON object that is unpacked anew at every look: ask for `unpacked` where several keys are of interest."""

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]  # as of a dictionary

    def __init__(self, value: Mapping[str, Any]) -> None:
        packing = zlib.compressobj(wbits=_WINDOW_BITS, memLevel=_LITTLE_MEMORY, zdict=_IN_COMMON)
        self._text = packing.compress(orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS)) + packing.flush()

    def unpacked(self) -> dict[str, Any]:
        """Return the object."""
        return dict(orjson.loads(zlib.decompressobj(_WINDOW_BITS, _IN_COMMON).decompress(self._text)))

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - any JSON
        return self.unpacked()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.unpacked())

    def __len__(self) -> int:
        return len(self.unpacked())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed):
            # Numbers have several spellings.
            return self._text == other._text or self.unpacked() == other.unpacked()
        return isinstance(other, Mapping) and self.unpacked() == other


def unpacked(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object, packed or not, as a dictionary of its own."""
    return value.unpacked() if isinstance(value, Packed) else dict(value)
