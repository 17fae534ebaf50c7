from __future__ import annotations

from tests.phone.ios.plugged import cable as cable
from tests.phone.ios.plugged import paired_home as paired_home
from tests.phone.ios.plugged import plug_in as plug_in
from tests.phone.ios.plugged import record as record
from tests.phone.ios.plugged import service as service
from tests.phone.ios.plugged import session as session
