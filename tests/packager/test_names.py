"""Names of the files of an app version."""

import pytest
from pymw_packager.errors import UsageError
from pymw_packager.names import config_name, content_name, hash_in, launcher_name, normal_version, version_num
from pymw_platforms import load


@pytest.mark.parametrize(
    ("given", "shown", "number"),
    [
        ("1.04", "1.04", 104),
        ("1.4", "1.04", 104),
        ("0.1", "0.01", 1),
        ("12.34", "12.34", 1234),
        ("2.0", "2.00", 200),
    ],
)
def test_a_version_is_spelled_as_boinc_shows_its_number(given: str, shown: str, number: int) -> None:
    assert normal_version(given) == shown
    assert normal_version(shown) == shown
    assert version_num(shown) == number


@pytest.mark.parametrize(
    "given", ["1", "1.", ".4", "1.100", "1.4.2", "v1.4", "1.4 ", "-1.4", "0.0", "", "1,4", "١.٤"]
)
def test_a_version_that_boinc_would_skip_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(UsageError, match=r"MAJOR\.MINOR, such as 1.04"):
        normal_version(given)


def test_launcher_and_configuration_carry_version_and_platform() -> None:
    launcher = launcher_name("1.04", load("windows_intelx86"))
    assert launcher == "pymw_1.04_windows_intelx86.exe"
    assert config_name(launcher) == "pymw_1.04_windows_intelx86.conf"
    launcher = launcher_name("1.04", load("i686-pc-linux-gnu"))
    assert (launcher, config_name(launcher)) == (
        "pymw_1.04_i686-pc-linux-gnu",
        "pymw_1.04_i686-pc-linux-gnu.conf",
    )


def test_a_content_name_gives_its_hash_back() -> None:
    name = content_name("pymw_worker", "0123456789abcdef" + 48 * "f", ".zip")
    assert name == "pymw_worker_0123456789abcdef.zip"
    assert hash_in(name) == "0123456789abcdef"
    assert hash_in(launcher_name("1.04", load("windows_intelx86"))) is None
