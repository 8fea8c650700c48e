import asyncio
import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from frostline.controller.certificates import (
    AUTHORITY_DAYS,
    LEAF_DAYS,
    OVERLAP,
    ContendedError,
    ServerNames,
    Step,
    carried_out,
    keep_certificates,
    plan,
    read_authorities,
)
from frostline.kubernetes.secrets import Held

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
NAMES = ServerNames.of_service("frostline-webhook", "frostline-system")
LEAF_AGED = timedelta(days=LEAF_DAYS * 2 / 3)
AUTHORITY_AGED = timedelta(days=AUTHORITY_DAYS * 2 / 3)


class Kept:
    """A Secret in memory. `rival` writes before each of the first writes."""

    def __init__(self, data: Mapping[str, bytes] | None = None, rival: int = 0) -> None:
        self.data = None if data is None else dict(data)
        self.version = 0
        self.rival = rival
        self.writes = 0

    async def read(self) -> Held | None:
        return None if self.data is None else Held(self.data, str(self.version))

    async def write(self, data: Mapping[str, bytes], before: Held | None) -> bool:
        if self.rival:
            self.rival -= 1
            self.version += 1
            self.data = dict(carried_out(Step.CREATE, {}, NAMES, NOW - timedelta(days=80)))
        if (None if self.data is None else str(self.version)) != (None if before is None else before.version):
            return False
        self.data, self.version = dict(data), self.version + 1
        self.writes += 1
        return True


def kept(secret: Kept, now: datetime, names: ServerNames = NAMES) -> bytes:
    return asyncio.run(keep_certificates(secret, names, now))


def created(now: datetime = NOW) -> dict[str, bytes]:
    return carried_out(Step.CREATE, {}, NAMES, now)


def leaf(data: Mapping[str, bytes]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(data["tls.crt"])


def authorities(bundle: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(bundle)


def trusted(bundle: bytes, data: Mapping[str, bytes]) -> bool:
    """Say whether a client that trusts `bundle` trusts the leaf."""

    def issued(authority: x509.Certificate) -> bool:
        try:
            leaf(data).verify_directly_issued_by(authority)
        except ValueError:
            return False
        return True

    return any(issued(each) for each in authorities(bundle))


def test_the_first_certificates() -> None:
    secret = Kept()

    bundle = kept(secret, NOW)

    assert secret.data is not None
    assert sorted(secret.data) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert bundle == secret.data["ca.crt"]
    (authority,) = authorities(bundle)
    assert authority.not_valid_after_utc == NOW + timedelta(days=AUTHORITY_DAYS)
    assert leaf(secret.data).not_valid_after_utc == NOW + timedelta(days=LEAF_DAYS)
    assert trusted(bundle, secret.data)
    names = leaf(secret.data).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "frostline-webhook.frostline-system.svc" in names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(hours=1)], ids=["behind", "ahead"])
def test_a_clock_that_is_off_by_an_hour_does_no_harm(off: timedelta) -> None:
    data = created(NOW + off)

    assert leaf(data).not_valid_before_utc < NOW < leaf(data).not_valid_after_utc
    assert plan(data, NAMES, NOW) is Step.KEEP


@pytest.mark.parametrize(
    ("after", "step"),
    [
        pytest.param(timedelta(0), Step.KEEP, id="new"),
        pytest.param(LEAF_AGED - SECOND, Step.KEEP, id="just before two thirds"),
        pytest.param(LEAF_AGED, Step.ISSUE, id="two thirds of the leaf's life"),
        pytest.param(timedelta(days=LEAF_DAYS), Step.ISSUE, id="the leaf has ended"),
        pytest.param(timedelta(days=AUTHORITY_DAYS), Step.CREATE, id="all has ended"),
    ],
)
def test_what_is_due_as_time_goes_by(after: timedelta, step: Step) -> None:
    assert plan(created(), NAMES, NOW + after) is step


def test_an_old_authority_is_joined_by_the_next_while_the_leaf_is_young() -> None:
    at = NOW + AUTHORITY_AGED
    data = carried_out(Step.ISSUE, created(), NAMES, at - DAY)

    assert plan(data, NAMES, at - SECOND) is Step.KEEP
    assert plan(data, NAMES, at) is Step.ANNOUNCE


def test_an_authority_is_published_before_it_signs_and_the_old_one_goes_last() -> None:
    at = NOW + AUTHORITY_AGED
    secret = Kept(carried_out(Step.ISSUE, created(), NAMES, at - DAY))
    assert secret.data is not None
    old_leaf, (old,) = secret.data["tls.crt"], authorities(secret.data["ca.crt"])

    announced = kept(secret, at)
    waiting = kept(secret, at + OVERLAP - SECOND)
    leaf_then = secret.data["tls.crt"]
    signed = kept(secret, at + OVERLAP)
    leaf_now = dict(secret.data)
    alone = kept(secret, at + 2 * OVERLAP)

    assert announced == waiting == signed
    new, also_old = authorities(announced)
    assert also_old == old
    assert leaf_then == old_leaf
    assert leaf_now["tls.crt"] != old_leaf
    assert trusted(announced, {"tls.crt": old_leaf})
    assert authorities(alone) == [new]
    assert trusted(alone, leaf_now)
    assert secret.writes == 3


def test_a_year_of_looks_at_it_never_shows_what_is_not_trusted() -> None:
    """Whoever published the bundle up to a look ago trusts the leaf of now."""
    secret = Kept()
    published = kept(secret, NOW)
    rolled = False
    # Looks that are further apart than real ones: the bundle that was published is older.
    for hours in range(18, 24 * 800, 18):
        now = NOW + timedelta(hours=hours)
        bundle = kept(secret, now)
        assert secret.data is not None
        assert trusted(published, secret.data), f"after {hours} hours"
        assert leaf(secret.data).not_valid_after_utc - now >= timedelta(days=LEAF_DAYS / 3) - DAY
        rolled = rolled or len(authorities(bundle)) == 2
        published = bundle
    assert rolled


@pytest.mark.parametrize(
    ("key", "value", "step"),
    [
        pytest.param("tls.key", b"", Step.ISSUE, id="no key"),
        pytest.param("tls.crt", b"garbage", Step.ISSUE, id="no certificate"),
        pytest.param("tls.crt", created()["tls.crt"], Step.ISSUE, id="the certificate of another key"),
        pytest.param("ca.crt", created()["ca.crt"], Step.CREATE, id="another authority"),
        pytest.param("ca.crt", b"", Step.CREATE, id="no authority"),
        pytest.param("ca.key", b"garbage", Step.CREATE, id="a broken key of the authority"),
    ],
)
def test_damage_is_mended(key: str, value: bytes, step: Step) -> None:
    secret = Kept(created() | {key: value})
    assert secret.data is not None
    assert plan(secret.data, NAMES, NOW) is step

    bundle = kept(secret, NOW)

    assert plan(secret.data, NAMES, NOW) is Step.KEEP
    assert trusted(bundle, secret.data)


def test_an_empty_secret_is_filled() -> None:
    secret = Kept({})

    assert authorities(kept(secret, NOW))


def test_a_secret_that_somebody_else_fills_is_left_alone() -> None:
    theirs = {key: value for key, value in created(NOW - 300 * DAY).items() if key != "ca.key"}
    secret = Kept(theirs)

    assert kept(secret, NOW) == theirs["ca.crt"]
    assert secret.writes == 0


def test_another_address_needs_another_leaf_and_no_other_authority() -> None:
    secret = Kept(created())
    bundle = kept(secret, NOW, ServerNames.of_url("https://127.0.0.1:8443/review"))

    assert secret.data is not None
    assert bundle == created_bundle(secret)
    names = leaf(secret.data).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]


def created_bundle(secret: Kept) -> bytes:
    assert secret.data is not None
    return secret.data["ca.crt"]


@pytest.mark.parametrize(
    ("url", "names"),
    [
        pytest.param("https://127.0.0.1:1/x", ServerNames(addresses=("127.0.0.1",)), id="IPv4"),
        pytest.param("https://[::1]:1/x", ServerNames(addresses=("::1",)), id="IPv6"),
        pytest.param("https://hook.example:1/x", ServerNames(("hook.example",)), id="name"),
    ],
)
def test_the_names_of_a_url(url: str, names: ServerNames) -> None:
    assert ServerNames.of_url(url) == names


def test_a_url_without_a_host_is_refused() -> None:
    with pytest.raises(ValueError, match="names no host"):
        ServerNames.of_url("/review")


def test_who_comes_second_takes_what_the_first_has_written() -> None:
    secret = Kept(rival=1)

    bundle = kept(secret, NOW)

    assert secret.data is not None
    assert bundle == secret.data["ca.crt"]
    assert trusted(bundle, secret.data)
    # The rival's leaf was old already: that, and nothing else, was renewed.
    assert secret.writes == 1
    assert authorities(bundle)[0].not_valid_after_utc == NOW - timedelta(days=80) + timedelta(days=AUTHORITY_DAYS)


def test_endless_contention_is_an_error() -> None:
    with pytest.raises(ContendedError, match="written by somebody else each time"):
        kept(Kept(rival=100), NOW)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(None, b"", id="not-there-yet"),
        pytest.param({"tls.crt": b"leaf", "tls.key": b"key"}, b"", id="without-an-authority"),
        pytest.param({"tls.crt": b"leaf", "tls.key": b"key", "ca.crt": b"theirs"}, b"theirs", id="kept-by-others"),
    ],
)
def test_a_secret_that_others_keep_is_read_only(data: dict[str, bytes] | None, found: bytes) -> None:
    secret = Kept(data)

    assert asyncio.run(read_authorities(secret)) == found
    assert (secret.data, secret.writes) == (data, 0)
