"""Verifies Ed25519 signatures (RFC 8032) in plain integers, under any Python.

Nothing here is secret, so nothing needs to take constant time. Stricter than the RFC where it leaves a
choice: the equation without cofactor, only the one canonical encoding of each number and point, and no public
key of small order, under which anybody could sign.
"""

import binascii

from pymw_worker.digests import sha512

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493  # the order of the base point
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
_WINDOW = 5  # bits

# Points have the coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z; those in tables are prepared for _add.


def verify(public, message, signature):
    """Whether a signature (64 bytes) of a message is that of the public key (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    scalar = _integer(signature[32:])
    point = _decode(public)
    if scalar >= _L or point is None or _is_neutral(_times_8(point)):
        return False
    digest = _integer(sha512(signature[:32] + public + message).digest()) % _L
    minus = (_P - point[0], point[1], 1, _P - point[3])
    found = _sum_of_products(scalar, _BASE, digest, minus)
    return _encode(found) == _integer(signature[:32])


def _integer(data):
    """The integer of little-endian bytes."""
    return int(binascii.hexlify(data[::-1]), 16)


def _decode(data):
    """The point that 32 bytes stand for, or None (RFC 8032, 5.1.3)."""
    y = _integer(data)
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P == -u % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    elif v * x * x % _P != u:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point):
    """The integer of the 32 bytes that stand for a point."""
    inverse = pow(point[2], _P - 2, _P)
    return point[1] * inverse % _P | (point[0] * inverse % _P & 1) << 255


def _is_neutral(point):
    return point[0] % _P == 0 and (point[1] - point[2]) % _P == 0


def _times_8(point):
    return _double(_double(_double(point)))


def _double(point):
    x, y, z, _ = point
    a, b = x * x, y * y
    h = a + b
    e = (h - (x + y) * (x + y)) % _P
    g = (a - b) % _P
    f = (2 * z * z + g) % _P
    h %= _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _prepared(point):
    x, y, z, t = point
    return y + x, y - x, 2 * _D * t % _P, 2 * z


def _add(point, prepared):
    x, y, z, t = point
    plus, minus, t2, z2 = prepared
    a, b, c, d = (y - x) * minus % _P, (y + x) * plus % _P, t * t2 % _P, z * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _sum_of_products(first, one, second, other):
    """first * one + second * other, by interleaved windows (Straus)."""
    terms = [(_digits(first), _odd_multiples(one)), (_digits(second), _odd_multiples(other))]
    found = (0, 1, 1, 0)
    for place in range(max([len(digits) for digits, _ in terms]) - 1, -1, -1):
        found = _double(found)
        for digits, multiples in terms:
            if place < len(digits) and digits[place]:
                found = _add(found, multiples[digits[place]])
    return found


def _digits(scalar):
    """A scalar in digits that are 0 or odd, below 2**(_WINDOW - 1), and mostly 0; lowest first."""
    digits = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & ((1 << _WINDOW) - 1)
            if digit >> (_WINDOW - 1):
                digit -= 1 << _WINDOW
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


def _odd_multiples(point):
    """1, 3, 5, ... times a point and their negatives, prepared, by factor."""
    twice = _prepared(_double(point))
    multiples = {}
    for factor in range(1, 1 << (_WINDOW - 1), 2):
        plus, minus, t2, z2 = multiples[factor] = _prepared(point)
        multiples[-factor] = minus, plus, -t2, z2
        point = _add(point, twice)
    return multiples


def _base_point():
    # y is 4/5; binascii is how all Pythons make bytes alike.
    y = 4 * pow(5, _P - 2, _P) % _P
    return _decode(binascii.unhexlify(("%064x" % y).encode("ascii"))[::-1])


_BASE = _base_point()
