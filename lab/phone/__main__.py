"""``python -m lab.phone``: a virtual phone as a process of its own."""

from __future__ import annotations

import sys

from lab.phone.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
