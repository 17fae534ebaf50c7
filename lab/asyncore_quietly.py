"""Imported before tlslite-ng is: it tries `asyncore`, and does without where that is gone.

Here, once and quietly: a user who makes an error of every warning must not lose a run to an import
of ours.
"""

import sys
import warnings

if sys.version_info < (3, 12):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import asyncore  # noqa: F401
