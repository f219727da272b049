"""Ed25519 and signed containers, under each Python: vectors of RFC 8032, and what must not pass."""

import binascii
import unittest

from pymw_worker import arguments, bundle, container, ed25519, manifest, signatures, trust
from pymw_worker.errors import Unloadable

# RFC 8032, 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19


def data(digits):
    return binascii.unhexlify(digits.encode("ascii"))


def little(number):
    return data("%064x" % number)[::-1]


class Ed25519(unittest.TestCase):
    def test_the_vectors_of_the_rfc(self):
        for public, message, signature in VECTORS:
            self.assertTrue(ed25519.verify(data(public), data(message), data(signature)))

    def test_an_altered_bit_anywhere(self):
        public, message, signature = [data(digits) for digits in VECTORS[2]]
        for size, flip in (
            (32, lambda bit: (_flipped(public, bit), message, signature)),
            (2, lambda bit: (public, _flipped(message, bit), signature)),
            (64, lambda bit: (public, message, _flipped(signature, bit))),
        ):
            for bit in range(0, 8 * size, 3):
                self.assertFalse(ed25519.verify(*flip(bit)), bit)

    def test_wrong_lengths(self):
        public, message, signature = [data(digits) for digits in VECTORS[1]]
        zero = data("00")
        for wrong in (signature[:-1], signature + zero, data(""), zero + signature):
            self.assertFalse(ed25519.verify(public, message, wrong))
        for wrong in (public[:-1], public + zero, data("")):
            self.assertFalse(ed25519.verify(wrong, message, signature))

    def test_a_scalar_that_is_not_reduced(self):
        public, message, signature = [data(digits) for digits in VECTORS[1]]
        scalar = int(binascii.hexlify(signature[32:][::-1]), 16)
        for more in (ORDER, 2 * ORDER, 8 * ORDER, 2**256 - 1 - scalar):
            wrong = signature[:32] + little(scalar + more)
            self.assertFalse(ed25519.verify(public, message, wrong))

    def test_keys_of_small_order_sign_nothing(self):
        # y of the points whose order divides 8; with s = 0 and R neutral they would sign about anything.
        y = 2707385501144840649318225287225658788936804267575313519463743609750303021
        small = [0, 1, PRIME - 1, y, PRIME - y, PRIME, PRIME + 1]
        for number in small:
            for sign in (0, 1 << 255):
                public = little(number | sign)
                for first in (little(1), public):
                    self.assertFalse(ed25519.verify(public, data("72"), first + little(0)))

    def test_points_that_are_none(self):
        _, message, signature = [data(digits) for digits in VECTORS[1]]
        for number in (2, PRIME, PRIME + 3, 2**255 - 1, 1 | 1 << 255):
            self.assertFalse(ed25519.verify(little(number), message, signature))
            self.assertFalse(ed25519.verify(data(VECTORS[1][0]), message, little(number) + signature[32:]))


def _flipped(whole, bit):
    number = int(binascii.hexlify(whole), 16) ^ 1 << bit
    return data("%0*x" % (2 * len(whole), number))


class Seals(unittest.TestCase):
    def test_a_signature_that_is_wrong_or_of_nobody(self):
        public = data(VECTORS[0][0])
        plain = bundle.pack(bundle.SOURCE, "f", "2.5-", data("78"))
        self.assertRaises(ValueError, signatures.public_key, "12")
        keys = {signatures.key_id(public): public}
        path = "pymw_check_signatures"
        for seals, complaint in (
            ([], "is not signed"),
            ([signatures.line(public, data("00" * 64))], "that is wrong"),
            ([signatures.line(data("11" * 32), data("00" * 64))], "does not trust"),
            (["ed25519 nonsense"], "is not signed"),
            (["ed448 x y"], "is not signed"),
        ):
            signed = plain
            for seal in seals:
                signed = manifest.sealed(signed, seal)
            _write(path, signed)
            try:
                self.assertEqual(container.read(path, bundle.KIND).signatures, seals)
                try:
                    trust.Trust(keys).check(path, _arguments())
                    self.fail("it was not refused")
                except Unloadable as error:
                    self.assertTrue(complaint in str(error), error)
            finally:
                _remove(path)


def _write(path, whole):
    stream = open(path, "wb")
    stream.write(whole)
    stream.close()


def _remove(path):
    import os

    os.remove(path)
    if os.path.exists(path + ".arguments"):
        os.remove(path + ".arguments")


def _arguments():
    path = "pymw_check_signatures.arguments"
    _write(path, arguments.pack("0" * 64, "t", data("4e2e")))
    return path


if __name__ == "__main__":
    unittest.main()
