"""The cache: what is kept is what was asked for, whatever happened to it."""

import hashlib
import threading
from pathlib import Path

import pytest
from pymw_packager.errors import FetchError
from pymw_packager.interpreters import cache

CONTENT = b"a wheel" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and a file that was fetched."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    file = tmp_path / "some.whl"
    file.write_bytes(CONTENT)
    return file


def test_what_is_kept_is_found_by_name_and_hash(fetched: Path) -> None:
    assert cache.find("wheels", "some.whl", SHA256) is None
    kept = cache.keep(fetched, "wheels", SHA256)
    assert kept.read_bytes() == CONTENT
    assert cache.find("wheels", "some.whl", SHA256) == kept
    assert cache.find("wheels", "other.whl", SHA256) is None
    assert cache.find("wheels", "some.whl", "0" * 64) is None


def test_another_hash_than_expected_is_refused_and_not_kept(fetched: Path) -> None:
    with pytest.raises(FetchError, match=rf"some\.whl has SHA-256 {SHA256} instead of 0000"):
        cache.keep(fetched, "wheels", "0" * 64)
    assert [path for path in cache.folder("wheels").rglob("*") if path.is_file()] == []


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(fetched: Path) -> None:
    cache.keep(fetched, "wheels", SHA256).write_bytes(CONTENT[:-1])
    assert cache.find("wheels", "some.whl", SHA256) is None
    assert cache.keep(fetched, "wheels", SHA256).read_bytes() == CONTENT


def test_builds_at_once_keep_one_whole_file(fetched: Path) -> None:
    threads = [threading.Thread(target=cache.keep, args=(fetched, "wheels", SHA256)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = [path for path in cache.folder("wheels").rglob("*") if path.is_file()]
    assert files == [cache.find("wheels", "some.whl", SHA256)]
