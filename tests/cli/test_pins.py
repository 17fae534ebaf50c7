from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.cli.pins import MAX_FILE
from lab.model.pins import PinKind
from lab.pinning.jws import new_signing_key
from lab.pki.authority import Authority
from lab.pki.keys import key_pem, new_key
from tests.cli import peers
from tests.cli.peers import Behaviour
from tests.patience import CAP
from tests.pinning import openssl
from tests.pinning.cases import named
from tests.pinning.der import certificate_of_version
from tests.rights import no_rights, open_folder

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Certificates and keys that openssl made, one of each kind."""
    directory = tmp_path_factory.mktemp("made")
    return {kind: openssl.make(directory, kind) for kind in openssl.KEYS}


@pytest.fixture
def certificate(made: dict[str, tuple[Path, Path]]) -> Path:
    return made["p256"][0]


def pins(*arguments: str | Path) -> str:
    """Run the command; it must do well and complain of nothing."""
    result = RUNNER.invoke(app, ["pins", *map(str, arguments)], catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def complaint(*arguments: str | Path) -> str:
    """Run the command; it must end with one line that says what is wrong."""
    result = RUNNER.invoke(app, ["pins", *map(str, arguments)], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (2, "")
    line, end = result.stderr[:-1], result.stderr[-1:]
    assert end == "\n"
    assert line.isprintable()
    start = f"trustpin-lab: {str(arguments[0])!r}: "
    assert line.startswith(start)
    return line.removeprefix(start)


def as_table(output: str) -> dict[str, str]:
    """Read lines of two columns."""
    return dict(line.split() for line in output.splitlines())


@pytest.mark.parametrize("kind", openssl.KEYS)
def test_pins_of_a_file(kind: str, made: dict[str, tuple[Path, Path]]) -> None:
    file, _ = made[kind]
    assert as_table(pins(file)) == openssl.base64_pins(file)


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "ed25519"])
def test_pins_of_a_live_server(kind: str, made: dict[str, tuple[Path, Path]]) -> None:
    file, key = made[kind]
    with peers.s_server(file, key) as port:
        assert as_table(pins(f"127.0.0.1:{port}")) == openssl.base64_pins(file)
        assert as_table(pins(f"localhost:{port}")) == openssl.base64_pins(file)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_pins_of_a_server_of_one_tls_version(
    version: str, made: dict[str, tuple[Path, Path]]
) -> None:
    file, key = made["p256"]
    with peers.s_server(file, key, version) as port:
        assert as_table(pins(f"127.0.0.1:{port}")) == openssl.base64_pins(file)


def test_the_leaf_counts_of_a_server_s_chain(tmp_path: Path) -> None:
    served = Authority.root("Root").subordinate("Sub-CA").issue("api.acme.test")
    chain, key = served.write(tmp_path, "served")
    with peers.s_server(chain, key, "-cert_chain", str(chain)) as port:
        assert as_table(pins(f"127.0.0.1:{port}")) == openssl.base64_pins(chain)


def test_the_name_selects_the_certificate(
    made: dict[str, tuple[Path, Path]],
) -> None:
    (usual, key), (named, named_key) = made["p256"], made["ed25519"]
    selected = ("-servername", "localhost", "-cert2", str(named), "-key2", str(named_key))
    with peers.s_server(usual, key, *selected) as port:
        assert as_table(pins(f"127.0.0.1:{port}")) == openssl.base64_pins(usual)
        assert as_table(pins(f"localhost:{port}")) == openssl.base64_pins(named)


def test_a_server_by_its_ipv6_address(made: dict[str, tuple[Path, Path]]) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 on its loopback interface")
    file, key = made["p256"]
    with peers.s_server(file, key, host="[::1]") as port:
        assert as_table(pins(f"[::1]:{port}")) == openssl.base64_pins(file)
        # Another address is another server, not this machine's usual one.
        refused = os.strerror(errno.ECONNREFUSED)
        assert complaint(f"[::ffff:127.0.0.2]:{port}") == refused


class TestForms:
    """What is written, and in which order."""

    def test_lines_are_aligned(self, certificate: Path) -> None:
        found = openssl.base64_pins(certificate)
        assert pins(certificate) == (
            f"sha256       {found[PinKind.LEAF_SHA256]}\n"
            f"sha512       {found[PinKind.LEAF_SHA512]}\n"
            f"spki_sha256  {found[PinKind.SPKI_SHA256]}\n"
            f"spki_sha512  {found[PinKind.SPKI_SHA512]}\n"
        )

    def test_hexadecimal(self, certificate: Path) -> None:
        found = openssl.pins(certificate)
        assert as_table(pins(certificate, "--hex")) == {k: raw.hex() for k, raw in found.items()}

    def test_json(self, certificate: Path) -> None:
        assert json.loads(pins("--json", certificate)) == openssl.base64_pins(certificate)

    def test_json_in_hexadecimal(self, certificate: Path) -> None:
        found = openssl.pins(certificate)
        written = json.loads(pins("--json", "--hex", certificate))
        assert written == {kind: raw.hex() for kind, raw in found.items()}

    def test_json_of_a_server(self, made: dict[str, tuple[Path, Path]]) -> None:
        file, key = made["p256"]
        with peers.s_server(file, key) as port:
            assert json.loads(pins(f"127.0.0.1:{port}", "--json")) == openssl.base64_pins(file)


class TestFiles:
    """PEM, DER and chains."""

    def test_der(self, certificate: Path, tmp_path: Path) -> None:
        file = tmp_path / "cert.der"
        openssl.run("x509", "-in", certificate, "-outform", "DER", "-out", file)
        assert pins(file) == pins(certificate)

    def test_the_first_of_a_chain_counts(
        self, made: dict[str, tuple[Path, Path]], tmp_path: Path
    ) -> None:
        file, (one, key), (other, _) = tmp_path / "chain.pem", made["p256"], made["rsa2048"]
        file.write_bytes(key.read_bytes() + one.read_bytes() + other.read_bytes())
        assert pins(file) == pins(one)
        file.write_bytes(other.read_bytes() + one.read_bytes())
        assert pins(file) == pins(other)

    def test_version_1(self, tmp_path: Path) -> None:
        file = tmp_path / "v1.der"
        file.write_bytes(certificate_of_version(None, new_signing_key()))
        assert as_table(pins(file)) == openssl.base64_pins(file, "DER")

    def test_a_serial_number_that_breaks_a_rule(self, made: dict[str, tuple[Path, Path]]) -> None:
        _, key = made["p256"]
        file = key.with_name("negative.crt")
        made_by = ("req", "-x509", "-key", key, "-subj", "/CN=x", "-set_serial", "-5")
        openssl.run(*made_by, "-out", file)
        assert as_table(pins(file)) == openssl.base64_pins(file)

    def test_a_file_that_is_called_like_a_server(
        self, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "localhost:1").write_bytes(certificate.read_bytes())
        monkeypatch.chdir(tmp_path)
        assert pins("localhost:1") == pins(certificate)

    def test_a_pipe(self, certificate: Path, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with subprocess.Popen(["cp", certificate, pipe]):
            assert pins(pipe) == pins(certificate)


class TestFilesThatAreNone:
    """One line, exit code 2, no traceback."""

    def test_missing(self, tmp_path: Path) -> None:
        assert complaint(tmp_path / "missing.pem") == "no such file, and not HOST:PORT"

    def test_a_directory(self, tmp_path: Path) -> None:
        assert complaint(tmp_path) == os.strerror(errno.EISDIR)
        assert complaint("") == os.strerror(errno.EISDIR)

    def test_below_a_file(self, certificate: Path) -> None:
        assert complaint(f"{certificate}/x:443") == os.strerror(errno.ENOTDIR)

    def test_a_link_to_itself(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to("loop")
        assert complaint(tmp_path / "loop") == os.strerror(errno.ELOOP)

    def test_a_name_that_is_too_long(self) -> None:
        assert complaint("x" * 300) == os.strerror(errno.ENAMETOOLONG)

    def test_a_file_of_somebody_else(self, certificate: Path) -> None:
        with open_folder() as folder:
            file = folder / "secret"
            file.write_bytes(certificate.read_bytes())
            file.chmod(0)
            with no_rights():
                assert complaint(file) == os.strerror(errno.EACCES)

    @named(
        "content",
        {
            "empty": b"",
            "text": b"no certificate\n",
            "garbage": bytes(range(256)) * 20,
            "broken PEM": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "a key": key_pem(new_key()),
            "version 5": certificate_of_version(4, new_signing_key()),
            "as long as may be": b"0" * MAX_FILE,
        },
    )
    def test_no_certificate(self, content: bytes, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(content)
        for options in ((), ("--json",), ("--hex",)):
            assert complaint(file, *options) == "not a certificate, neither PEM nor DER"

    def test_truncated(self, certificate: Path, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(certificate.read_bytes()[:200])
        assert complaint(file) == "not a certificate, neither PEM nor DER"

    def test_too_long(self, certificate: Path, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(certificate.read_bytes() + b"\n" * MAX_FILE)
        assert complaint(file) == "longer than 1048576 bytes: not a certificate"

    def test_without_an_end(self) -> None:
        assert complaint("/dev/zero") == "longer than 1048576 bytes: not a certificate"

    @pytest.mark.parametrize("name", ["no\nsuch\x1b[31m", "no\udcffsuch", "\u202eno such"])
    def test_odd_names_are_shown_as_they_cannot_do_harm(self, name: str) -> None:
        assert complaint(name) == "no such file, and not HOST:PORT"


class TestServersThatAreNone:
    """The same, and in bounded time."""

    @pytest.fixture(autouse=True)
    def in_haste(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # By its name, as the package calls the command itself "pins".
        monkeypatch.setattr(sys.modules["lab.cli.pins"], "TIMEOUT", 0.3)

    def test_a_closed_port(self) -> None:
        with peers.closed_port() as port:
            assert complaint(f"127.0.0.1:{port}") == os.strerror(errno.ECONNREFUSED)

    @pytest.mark.parametrize(
        ("behave", "reasons"),
        [
            (peers.say_nothing, {"no answer within 0.3 s"}),
            (peers.drip, {"no answer within 0.3 s"}),
            (peers.hang_up, {os.strerror(errno.ECONNRESET)}),
            (peers.reset, {os.strerror(errno.ECONNRESET)}),
            (peers.hang_up_politely, {"no TLS handshake: UNEXPECTED_EOF_WHILE_READING"}),
            (peers.speak_http, {"no TLS handshake: WRONG_VERSION_NUMBER"}),
            (
                peers.refuse,
                {
                    "no TLS handshake: SSLV3_ALERT_HANDSHAKE_FAILURE",
                    "no TLS handshake: SSL/TLS_ALERT_HANDSHAKE_FAILURE",
                },
            ),
        ],
    )
    def test_what_speaks_no_tls(self, behave: Behaviour, reasons: set[str]) -> None:
        with peers.server(behave) as port:
            assert complaint(f"127.0.0.1:{port}") in reasons

    @pytest.mark.parametrize("port", ["0", "65536", "99999"])
    def test_a_port_that_is_none(self, port: str) -> None:
        assert complaint(f"127.0.0.1:{port}") == "a port is a number from 1 to 65535"

    @pytest.mark.parametrize("host", ["a..b", "x" * 64, ".acme.test"])
    def test_a_host_that_is_none(self, host: str) -> None:
        assert complaint(f"{host}:443") == "not a host name"

    @pytest.mark.parametrize(
        "source",
        ["host", "host:", ":443", "host:port", "host:-1", "host:1:2", "h st:1", "[::1]", "::1:1"],
    )
    def test_what_is_no_server(self, source: str) -> None:
        assert complaint(source) == "no such file, and not HOST:PORT"

    def test_a_name_that_nobody_knows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        assert complaint("nobody.test:443") == "Name or service not known"

    def test_a_server_without_a_certificate(self, made: dict[str, tuple[Path, Path]]) -> None:
        unused, key = made["p256"]
        anonymous = ("-nocert", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0")
        with peers.s_server(unused, key, *anonymous) as port:
            assert complaint(f"127.0.0.1:{port}").startswith("no TLS handshake: ")


class TestAsAProgram:
    """What a shell sees."""

    @staticmethod
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        program = "from lab.cli import main; main()"
        told = [sys.executable, "-c", program, "pins", *map(str, arguments)]
        return subprocess.run(told, capture_output=True, text=True, timeout=CAP)

    def test_pins(self, certificate: Path) -> None:
        done = self.run(certificate)
        assert (done.returncode, done.stderr) == (0, "")
        assert as_table(done.stdout) == openssl.base64_pins(certificate)

    def test_a_complaint(self, tmp_path: Path) -> None:
        missing = tmp_path / "missing"
        done = self.run(missing)
        told = f"trustpin-lab: {str(missing)!r}: no such file, and not HOST:PORT\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


def test_without_a_source_the_usage_is_shown() -> None:
    result = RUNNER.invoke(app, ["pins"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "FILE|HOST:PORT" in result.stderr
