"""Keys and signatures are those of a stock project's tools (the files in data/vectors were made by them)."""

from pathlib import Path

import pytest
from pymw.errors import ProjectError
from pymw.project import keys, signing
from pymw.project.project import Project

VECTORS = Path(__file__).parent / "data" / "vectors"


def read(name: str) -> str:
    return (VECTORS / name).read_text("ascii")


@pytest.mark.parametrize(
    ("data", "signature", "key"),
    [
        ("app_file.bin", "app_file.sig", "code_sign_public"),
        ("upload_cert.txt", "upload_cert.sig", "upload_public"),
    ],
)
def test_signatures_of_a_stock_project_are_right_and_no_others(data: str, signature: str, key: str) -> None:
    content, public = (VECTORS / data).read_bytes(), keys.read_public(read(key))
    assert signing.verify(content, read(signature), public)
    assert signing.verify(content, "\n  " + read(signature).rstrip(), public)
    assert not signing.verify(content + b"x", read(signature), public)
    assert not signing.verify(content, read(signature).replace("a", "b", 1), public)
    assert not signing.verify(content, "", public)
    assert not signing.verify(content, "f" * 256 + "\n.\n", public)
    assert not signing.verify(content, "not hexadecimal\n.\n", public)
    other = keys.read_public(read("upload_public" if key == "code_sign_public" else "code_sign_public"))
    assert not signing.verify(content, read(signature), other)


def test_the_text_of_a_certificate_is_that_of_a_stock_project() -> None:
    text = (VECTORS / "upload_cert.txt").read_bytes()
    assert signing.certificate("sp_big_1_0_r1519034193_0", 1_000_000) == text


def test_a_public_key_is_written_as_it_was_read() -> None:
    assert keys.read_public(read("upload_public")).text() == read("upload_public")


def test_a_new_key_signs_what_its_public_half_verifies() -> None:
    key = keys.generate()
    again = keys.read_private(key.text())
    assert again.text() == key.text()
    assert [len(line) for line in key.text().splitlines()] == [4, *[64] * 22, 1]
    signature = signing.sign(b"data", again)
    assert [len(line) for line in signature.splitlines()] == [64, 64, 64, 64, 1]
    assert signing.verify(b"data", signature, keys.read_public(key.public.text()))


@pytest.mark.parametrize("text", ["", "1024\n", "2048\n" + "0" * 64 + "\n.\n", "1024\nzz\n.\n"])
def test_what_is_no_key_is_told_in_a_sentence(text: str) -> None:
    for reader in (keys.read_public, keys.read_private):
        with pytest.raises(ProjectError, match="no BOINC key"):
            reader(text)


def test_private_keys_are_for_their_owner_alone(project: Project) -> None:
    for name in ("code_sign_private", "upload_private"):
        assert (project.folder / "keys" / name).stat().st_mode & 0o777 == 0o600
