"""Keys and signatures are those of a stock project's tools (the files in data/vectors were made by them)."""

import hashlib
from pathlib import Path

import pytest
from pymw.errors import ProjectError
from pymw.project import keys, signing
from pymw.project.keys import PublicKey
from pymw.project.project import Project

VECTORS = Path(__file__).parent / "data" / "vectors"


def read(name: str) -> str:
    return (VECTORS / name).read_text("ascii")


def is_signed(data: bytes, signature: str, key: PublicKey) -> bool:
    """What a client checks."""
    number = int.from_bytes(keys.unhex(signature)[: keys.SIZE + 1], "big")
    md5 = hashlib.md5(data).hexdigest().encode("ascii")
    expected = b"\0\1" + b"\xff" * (keys.SIZE - 3 - len(md5)) + b"\0" + md5
    return 0 < number < key.n and pow(number, key.e, key.n).to_bytes(keys.SIZE, "big") == expected


@pytest.mark.parametrize(
    ("data", "signature", "key"),
    [
        ("app_file.bin", "app_file.sig", "code_sign_public"),
        ("upload_cert.txt", "upload_cert.sig", "upload_public"),
    ],
)
def test_signatures_of_a_stock_project_are_right_and_no_others(data: str, signature: str, key: str) -> None:
    content, public = (VECTORS / data).read_bytes(), keys.read_public(read(key))
    assert is_signed(content, read(signature), public)
    assert is_signed(content, "\n  " + read(signature).rstrip(), public)
    assert not is_signed(content + b"x", read(signature), public)
    assert not is_signed(content, read(signature).replace("a", "b", 1), public)
    assert not is_signed(content, "", public)
    assert not is_signed(content, "f" * 256 + "\n.\n", public)
    assert not is_signed(content, "not hexadecimal\n.\n", public)
    other = keys.read_public(read("upload_public" if key == "code_sign_public" else "code_sign_public"))
    assert not is_signed(content, read(signature), other)


def test_a_certificate_is_for_one_name_one_size_and_one_project() -> None:
    shown = signing.certificate("job_0_r1_0", 1000, b"secret")
    assert [len(line) for line in shown.splitlines()] == [64, 1]
    for good in (shown, shown.strip(), "\n" + shown, shown.partition(".")[0]):
        assert signing.is_certified("job_0_r1_0", 1000, good, b"secret")
    assert not signing.is_certified("job_0_r1_1", 1000, shown, b"secret")
    assert not signing.is_certified("job_0_r1_0", 1001, shown, b"secret")
    assert not signing.is_certified("job_0_r1_0", 1000, shown, b"another")
    for bad in ("", ".", shown[1:], shown.replace(shown[0], "g"), "00" * 32 + "\n.", "00" + shown):
        assert not signing.is_certified("job_0_r1_0", 1000, bad, b"secret")


def test_a_public_key_is_written_as_it_was_read() -> None:
    assert keys.read_public(read("upload_public")).text() == read("upload_public")


def test_a_new_key_signs_what_its_public_half_verifies() -> None:
    key = keys.generate()
    again = keys.read_private(key.text())
    assert again.text() == key.text()
    assert [len(line) for line in key.text().splitlines()] == [4, *[64] * 22, 1]
    signature = signing.sign_digest(hashlib.md5(b"data").hexdigest(), again)
    assert [len(line) for line in signature.splitlines()] == [64, 64, 64, 64, 1]
    assert is_signed(b"data", signature, keys.read_public(key.public.text()))


@pytest.mark.parametrize("text", ["", "1024\n", "2048\n" + "0" * 64 + "\n.\n", "1024\nzz\n.\n"])
def test_what_is_no_key_is_told_in_a_sentence(text: str) -> None:
    for reader in (keys.read_public, keys.read_private):
        with pytest.raises(ProjectError, match="no BOINC key"):
            reader(text)


def test_private_keys_are_for_their_owner_alone(project: Project) -> None:
    for name in ("code_sign_private", "upload_secret"):
        assert (project.folder / "keys" / name).stat().st_mode & 0o777 == 0o600
