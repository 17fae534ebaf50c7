"""What the openssl program makes of the chains that the catalogue serves."""

from __future__ import annotations

import re
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.model.serving import Terminate
from tests.patience import CAP

_ERROR = re.compile(r"^error (\d+) at (\d+) depth lookup", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What openssl says against a chain."""

    errors: tuple[tuple[int, int], ...]
    """Each number (openssl/x509_vfy.h) with the depth at which it was found, 0 for the leaf; none
    for a chain that is right."""
    text: str


def rule(
    serving: Terminate,
    anchors: tuple[bytes, ...],
    folder: Path,
    *,
    host: str | None,
    more: tuple[str, ...] = (),
) -> Ruling:
    """Let openssl judge the chain for ``anchors`` (DER) and, unless None, for ``host``."""
    leaf, *others = map(ssl.DER_cert_to_PEM_cert, serving.chain)
    for name, content in (
        ("leaf", leaf),
        ("others", "".join(others)),
        ("anchors", "".join(map(ssl.DER_cert_to_PEM_cert, anchors))),
    ):
        (folder / name).write_text(content)
    untrusted = ("-untrusted", folder / "others") if others else ()
    name_wanted = ("-verify_hostname", host) if host is not None else ()
    done = subprocess.run(
        [
            *("openssl", "verify", "-purpose", "sslserver", "-auth_level", "1", *more),
            *("-no-CApath", "-no-CAstore", "-CAfile", folder / "anchors"),
            *(*untrusted, *name_wanted, folder / "leaf"),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=CAP,
        check=False,
    )
    found = _ERROR.findall(done.stderr + done.stdout)
    assert bool(found) is (done.returncode != 0), done.stderr
    return Ruling(tuple((int(number), int(depth)) for number, depth in found), done.stderr)
