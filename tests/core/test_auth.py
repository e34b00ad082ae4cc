"""HMAC, HKDF and the collar keys, against the standard library and the cryptography package."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from herdcore import auth
from tests.core.strategies import examples

ROOT = bytes(range(32))


@examples(150)
@given(st.binary(max_size=200), st.lists(st.binary(max_size=100), max_size=4))
def test_hmac_is_that_of_the_standard_library(key, parts):
    assert auth.hmac_sha256(key, *parts) == hmac.digest(key, b"".join(parts), hashlib.sha256)


@examples(60)
@given(
    st.binary(min_size=1, max_size=80), st.binary(max_size=80), st.binary(max_size=40), st.integers(1, 200)
)
def test_hkdf_is_that_of_the_cryptography_package(ikm, salt, info, length):
    assert auth.hkdf_sha256(ikm, salt, info, length) == HKDF(SHA256(), length, salt, info).derive(ikm)


def test_a_collar_key_is_drawn_from_root_device_and_epoch_as_the_page_says():
    info = b"collar" + (0xDEADBEEF).to_bytes(4, "big") + b"\x03"
    key = HKDF(SHA256(), 32, None, info).derive(ROOT)
    assert auth.collar_key(ROOT, 0xDEADBEEF, 3) == key
    assert auth.label_key(key, b"up") == HKDF(SHA256(), 32, None, b"up").derive(key)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auth.collar_key(ROOT[:31], 1, 0), "31 bytes, want 32"),
        (lambda: auth.collar_key(ROOT, 1 << 32, 0), "device=4294967296 outside"),
        (lambda: auth.collar_key(ROOT, -1, 0), "device=-1 outside"),
        (lambda: auth.collar_key(ROOT, 1, 128), "epoch=128 outside 0..127"),
        (lambda: auth.label_key(ROOT, b"sideways"), "sideways"),
        (lambda: auth.hkdf_sha256(ROOT, b"", b"", 0), "length=0 outside 1..8160"),
        (lambda: auth.hkdf_sha256(ROOT, b"", b"", 8161), "length=8161"),
    ],
)
def test_what_no_key_can_be_made_from_is_refused_with_its_bounds(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_equal_compares_every_byte_and_the_length():
    assert auth.equal(b"abcdefgh", memoryview(b"abcdefgh"))
    assert not any(auth.equal(b"abcdefgh", b"abcdefgh"[:i] + b"!" + b"abcdefgh"[i + 1 :]) for i in range(8))
    assert not auth.equal(b"abcd", b"abcde")
