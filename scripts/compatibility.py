"""Whether every object that an older CRD let in is still let in, and still read in full, by the present one.

Run as a program it keeps the present CRDs as those of this version.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import frostline

Schema = Mapping[str, Any]

_LOWER_BOUNDS: Final = ("minimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS: Final = ("maximum", "maxLength", "maxItems", "maxProperties")
_FIXED: Final = ("type", "format", "pattern", "multipleOf", "x-kubernetes-list-type", "x-kubernetes-list-map-keys")
"""Of these any change can lock stored objects out, or change how they merge."""


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return what objects of CRD `old` would suffer under CRD `new`, in sentences; nothing when they are safe."""
    before, after = old["spec"], new["spec"]
    found = [
        f"{part} changed from {before[part]} to {after[part]}"
        for part in ("group", "scope")
        if before[part] != after[part]
    ]
    if before["names"]["plural"] != after["names"]["plural"] or before["names"]["kind"] != after["names"]["kind"]:
        found.append(f"{before['names']['kind']} is not called so any more")
    versions = {each["name"]: each for each in after["versions"]}
    for version in before["versions"]:
        there = versions.get(version["name"])
        if there is None:
            found.append(f"version {version['name']} is gone: objects stored in it cannot be read")
        elif version["served"] and not there["served"]:
            found.append(f"version {version['name']} is not served any more: clients that use it break")
        else:
            found += _schema(version["name"], version["schema"]["openAPIV3Schema"], there["schema"]["openAPIV3Schema"])
    return found


def _schema(path: str, old: Schema, new: Schema) -> Iterator[str]:
    for key in _FIXED:
        # A kind of text or list that was free may not be fixed, nor the other way round.
        if old.get(key) != new.get(key):
            yield f"{path}: {key} changed from {old.get(key)} to {new.get(key)}"
    if "default" in old and old["default"] != new.get("default"):
        was, now = old["default"], new.get("default")
        yield f"{path}: default changed from {was} to {now}: what is stored means something else"
    yield from _narrowed(path, old, new)
    lost = set(old.get("properties", ())) - set(new.get("properties", ()))
    yield from (f"{path}.{name} is gone: what is stored there would be dropped" for name in sorted(lost))
    added = set(new.get("required", ())) - set(old.get("required", ()))
    yield from (f"{path}.{name} is required now" for name in sorted(added))
    known = {each["rule"] for each in old.get("x-kubernetes-validations", ())}
    for each in new.get("x-kubernetes-validations", ()):
        if each["rule"] not in known:
            yield f"{path}: a new rule may refuse what is stored: {each['rule']}"
    for name in set(old.get("properties", ())) - lost:
        yield from _schema(f"{path}.{name}", old["properties"][name], new["properties"][name])
    for inner in ("items", "additionalProperties"):
        if isinstance(old.get(inner), Mapping) and isinstance(new.get(inner), Mapping):
            yield from _schema(f"{path}[]", old[inner], new[inner])


def _narrowed(path: str, old: Schema, new: Schema) -> Iterator[str]:
    for bounds, tighter in ((_LOWER_BOUNDS, max), (_UPPER_BOUNDS, min)):
        for key in bounds:
            if key in new and (key not in old or (tighter(old[key], new[key]) == new[key] != old[key])):
                yield f"{path}: {key} is {new[key]} now, it was {old.get(key, 'free')}"
    if "enum" in new:
        gone = set(old["enum"]) - set(new["enum"]) if "enum" in old else {"everything else"}
        if gone:
            yield f"{path}: {', '.join(sorted(map(str, gone)))} is refused now"


def keep(root: Path) -> Path:
    """Copy the CRDs of the checkout at `root` to where tests compare later ones with them; return the folder."""
    kept = root / "tests" / "scripts" / "released" / frostline.__version__
    kept.mkdir(parents=True, exist_ok=True)
    for each in (root / "crds").glob("*.yaml"):
        shutil.copy(each, kept)
    return kept


if __name__ == "__main__":
    print(f"wrote {keep(Path(__file__).resolve().parent.parent)}")
