"""A collector in a process of its own, so that a test can kill it.

Arguments: the folder for the reports and the file to write the root certificate to. Says its
port on standard output and then serves until it is killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from lab.backend import COLLECTOR, Backend
from lab.loop import LabLoop
from lab.pki.hierarchy import LabPki


def main(directory: Path, root: Path) -> None:
    pki = LabPki(("acme.test",))
    root.write_bytes(pki.public_root.certificate.public_bytes(Encoding.PEM))
    with LabLoop() as loop, Backend(loop, pki, directory) as backend:
        sys.stdout.write(f"{backend.addresses()[COLLECTOR].port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
