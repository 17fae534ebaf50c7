"""TrustPin MITM Lab: proves whether a mobile app's certificate pinning holds."""

import sys
import warnings

__version__ = "0.1.0"

if sys.version_info < (3, 12):
    # tlslite-ng tries it, and does without where it is gone. Here, once and quietly: a user who
    # makes an error of every warning must not lose a run to an import of ours.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import asyncore  # noqa: F401
