from __future__ import annotations

import pytest

from lab.pki.authority import Authority
from lab.pki.weak_keys import rsa_key


@pytest.mark.parametrize("bits", [512, 2200])
def test_rsa_keys_of_other_sizes_are_whole_and_kept(bits: int) -> None:
    key = rsa_key(bits)
    assert key.key_size == bits
    assert rsa_key(bits) is key
    weak = Authority.root("Root").subordinate("Weak", key=key)
    weak.issue("api.acme.test").certificate.verify_directly_issued_by(weak.certificate)
