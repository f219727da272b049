"""SHA-2. For a few bytes without OpenSSL: to load that takes longer than to hash them."""

try:
    from _sha2 import sha256 as _own_sha256  # novm: Python >= 3.12
    from _sha2 import sha512
except ImportError:
    try:
        from _sha256 import sha256 as _own_sha256
        from _sha512 import sha512
    except ImportError:  # many builds of Python 2 have OpenSSL's only
        from hashlib import sha256 as _own_sha256
        from hashlib import sha512

_MANY = 1 << 18  # bytes; OpenSSL hashes them several times as fast


def sha256(size):
    """Return a new SHA-256 object for about so many bytes."""
    if size < _MANY:
        return _own_sha256()
    import hashlib

    return hashlib.sha256()


def sha256_of(data):
    """The SHA-256 of bytes, as hexadecimal digits."""
    digest = sha256(len(data))
    digest.update(data)
    return digest.hexdigest()


__all__ = ["sha256", "sha256_of", "sha512"]
