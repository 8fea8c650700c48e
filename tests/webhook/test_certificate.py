import asyncio
import base64
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from frostline.webhook.certificate import ServingCertificate
from frostline.webhook.sources import Files, SecretName, SecretSink, follow_files
from tests.webhook.requests import Made, made

YEAR = dt.timedelta(days=365)


class World:
    """A certificate, the reasons of refusals, and a clock."""

    def __init__(self, source: str = "secret x") -> None:
        self.now = dt.datetime.now(dt.UTC).timestamp()
        self.refused: list[str] = []
        self.certificate = ServingCertificate(source, lambda: self.now, self.refused.append)


@asynccontextmanager
async def listening(certificate: ServingCertificate) -> AsyncIterator[int]:
    """Serve an echo under the certificate; gives the port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=certificate.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def connect(port: int, trusted: Made) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cadata=trusted.authorities.decode())
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)


async def echoed(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
    reader, writer = connection
    writer.write(b"hello\n")
    return await reader.readline()


def test_a_new_certificate_is_shown_to_new_connections_and_open_ones_live_on() -> None:
    async def run() -> None:
        certificate, old, new = World().certificate, made(), made()
        certificate.offer(*old.pair)
        async with listening(certificate) as port:
            before = await connect(port, old)
            certificate.offer(*new.pair)
            after = await connect(port, new)

            assert await echoed(before) == await echoed(after) == b"hello\n"
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(port, old)
            for _, writer in (before, after):
                writer.close()
                await writer.wait_closed()

    asyncio.run(run())


def test_nothing_is_shown_before_there_is_a_certificate() -> None:
    async def run() -> None:
        world = World()
        async with listening(world.certificate) as port:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await connect(port, made())

    asyncio.run(run())


def expired() -> tuple[bytes, bytes]:
    return made(dt.datetime.now(dt.UTC) - YEAR).pair


@pytest.mark.parametrize(
    ("pair", "reason", "says"),
    [
        pytest.param(lambda: (made().pair[0], made().pair[1]), "mismatch", "do not belong together", id="two pairs"),
        pytest.param(expired, "expired", "the certificate ended at", id="expired"),
        pytest.param(lambda: (b"no", made().pair[1]), "unreadable", "no PEM certificate", id="no certificate"),
        pytest.param(lambda: (made().pair[0], b"secret"), "unreadable", "no PEM key", id="no key"),
        pytest.param(
            lambda: (made().pair[0] * 200, made().pair[1]), "mismatch", "do not belong", id="many certificates"
        ),
        pytest.param(lambda: _much(made()), "unreadable", "longer than 65536 bytes", id="more than fits"),
    ],
)
def test_what_cannot_be_served_is_told_and_the_old_one_kept(
    pair: Callable[[], tuple[bytes, bytes]], reason: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    good = made()
    world.certificate.offer(*good.pair)
    ends = world.certificate.expires_at
    bad = pair()

    world.certificate.offer(*bad)
    world.certificate.offer(*bad)

    assert world.refused == [reason]
    assert world.certificate.expires_at == ends
    assert world.certificate.trouble() is None
    assert says in world.certificate.problem
    (told,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert says in told.getMessage()
    assert "the certificate of before is kept" in told.getMessage()
    assert "secret " * 2 not in told.getMessage()


def _much(of: Made) -> tuple[bytes, bytes]:
    certificate, key = of.pair
    return certificate * 120, key


def test_without_a_certificate_the_trouble_is_that_of_the_source() -> None:
    world = World("secret frostline/tls")

    assert world.certificate.trouble() == "secret frostline/tls has not been read yet"
    world.certificate.offer(*expired())
    assert "secret frostline/tls: the certificate ended at" in (world.certificate.trouble() or "")
    assert not world.certificate.loaded


def test_a_certificate_that_ends_while_it_is_served_is_trouble() -> None:
    world = World()
    pair = made()
    world.certificate.offer(*pair.pair)
    leaf = x509.load_pem_x509_certificate(pair.data["tls.crt"])

    world.now = leaf.not_valid_after_utc.timestamp() - 1
    before = world.certificate.trouble()
    world.now += 1
    after = world.certificate.trouble()
    world.now = leaf.not_valid_before_utc.timestamp() - 1
    early = world.certificate.trouble()

    assert before is None
    assert after == f"the certificate of secret x ended at {leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%SZ}: renew it"
    assert "is this clock right?" in (early or "")


def secret(data: dict[str, str] | None) -> dict[str, object]:
    return {"metadata": {"name": "tls", "namespace": "frostline"}, "data": data}


def encoded(pair: tuple[bytes, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(each).decode() for key, each in zip(("tls.crt", "tls.key"), pair, strict=True)}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(None, "it has no tls.crt and no tls.key", id="empty"),
        pytest.param({"tls.crt": "YQ=="}, "it has no tls.key", id="no key"),
        pytest.param({"tls.crt": "a", "tls.key": "b"}, "no base64", id="no base64"),
    ],
)
def test_a_secret_without_a_pair_is_told(data: dict[str, str] | None, says: str) -> None:
    world = World(str(SecretName("frostline", "tls")))

    SecretSink(world.certificate).put(secret(data))

    assert (world.certificate.trouble() or "").startswith("secret tls in namespace frostline: ")
    assert says in (world.certificate.trouble() or "")


def test_a_secret_that_goes_leaves_its_certificate_in_service() -> None:
    world = World()
    sink = SecretSink(world.certificate)
    sink.keep(frozenset())
    missing = world.certificate.trouble()
    sink.put(secret(encoded(made().pair)))
    sink.keep({("frostline", "tls")})
    there = world.certificate.problem
    sink.drop(("frostline", "tls"))

    assert (missing, there) == ("secret x: it is not there", "")
    assert world.certificate.trouble() is None
    assert world.certificate.problem == "secret x: it is not there"


def swap(folder: Path, pair: tuple[bytes, bytes]) -> None:
    """Exchange both files at once, as the kubelet does: a link to a folder is replaced."""
    number = len(list(folder.iterdir()))
    fresh = folder / f"..{number}"
    fresh.mkdir()
    for name, content in zip(("tls.crt", "tls.key"), pair, strict=True):
        (fresh / name).write_bytes(content)
    half = folder / "..half"
    half.symlink_to(fresh.name)
    half.replace(folder / "..data")
    for name in ("tls.crt", "tls.key"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")


def test_files_that_are_exchanged_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.webhook.sources._LOOK_S", 0.001)
    world = World()
    files = Files(tmp_path / "tls.crt", tmp_path / "tls.key")

    async def until(what: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not what():  # noqa: ASYNC110 - files say nothing
                await asyncio.sleep(0.001)

    async def run() -> None:
        following = asyncio.create_task(follow_files(files, world.certificate))
        await until(lambda: "No such file" in (world.certificate.trouble() or ""))
        swap(tmp_path, made(dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).pair)
        await until(lambda: world.certificate.loaded)
        first = world.certificate.expires_at
        swap(tmp_path, made().pair)
        await until(lambda: world.certificate.expires_at != first)
        following.cancel()

    asyncio.run(run())
    assert world.refused == []
    assert world.certificate.trouble() is None


def test_no_descriptor_is_left_open() -> None:
    certificate = World().certificate
    before = len([*Path("/dev/fd").iterdir()])

    for _ in range(5):
        certificate.offer(*made().pair)
        certificate.offer(*_much(made()))

    assert len([*Path("/dev/fd").iterdir()]) == before
