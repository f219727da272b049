"""The bench's Windows: a fresh one for each test, with its own registry and C:."""

from tests.bench.wine import Wine

KEY = "HKCU\\Software\\PyMW test\\Key"


def test_a_windows_program_runs_and_its_exit_status_comes_back(wine: Wine) -> None:
    done = wine.run(["cmd", "/c", "ver & exit 7"])
    assert "Microsoft Windows" in done.stdout
    assert done.returncode == 7


def test_the_registry_keeps_what_was_set_and_a_fresh_windows_has_it_not(wine: Wine) -> None:
    wine.set_registry(KEY, "", "C:\\some where")
    wine.set_registry(KEY, "Name", "C:\\other")
    assert "C:\\some where" in wine.run(["reg", "query", KEY, "/ve"]).stdout
    assert "C:\\other" in wine.run(["reg", "query", KEY, "/v", "Name"]).stdout
    fresh = Wine.create(wine.chroot, wine.prefix.parent / "other")
    assert fresh.run(["reg", "query", KEY, "/ve"]).returncode != 0


def test_paths_mean_the_same_file_on_both_sides(wine: Wine) -> None:
    for path in (wine.c / "a folder" / "file", wine.prefix.parent / "outside"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"in {path.name}")
        assert wine.run(["cmd", "/c", "type", wine.path(path)]).stdout == f"in {path.name}"
