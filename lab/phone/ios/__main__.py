"""``python -m lab.phone.ios``: a virtual iPhone as a process of its own."""

from __future__ import annotations

import sys

from lab.phone.ios.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
