"""How far a build is, and how many compilers a machine has room for."""

from __future__ import annotations

import pytest

from local.build.limits import parallel_compilers
from local.build.progress import LINK_SECONDS, Progress, duration, seconds_by_package, to_compile


def test_the_time_left_is_the_figures_first_and_this_machines_speed_later() -> None:
    packages = frozenset(f"p{number}" for number in range(100))
    progress = Progress(packages, total=150, programs=0, parallel=2)
    everything = 100 * seconds_by_package()["*"]
    assert progress.left_seconds(0) == pytest.approx(everything / 2)
    for number in range(25):
        progress.line(f"p{number}")
        progress.line(f"p{number}")
    progress.line("# a warning")
    assert progress.left_seconds(100) == pytest.approx(300)
    assert progress.text(100) == "75 of 150 packages, about 5 min left"
    for number in range(100):
        progress.line(f"p{number}")
    assert progress.text(100) == "150 packages compiled, linking"


def test_the_plan_says_what_an_interrupted_build_has_left() -> None:
    progress = Progress(frozenset({"p"}), total=10, programs=1, parallel=1)
    assert progress.plan().startswith("10 packages (9 are compiled already), about ")
    assert progress.all_seconds == pytest.approx(LINK_SECONDS + seconds_by_package()["*"])


def test_packages_in_gos_cache_are_not_compiled_again_and_programs_always_are() -> None:
    rows = [
        ("a", "true", "not installed but available in build cache"),
        ("b", "true", "stale dependency: c"),
        ("c", "false", ""),
        ("main", "true", "not installed but available in build cache"),
    ]
    assert list(to_compile(rows, ["main"])) == ["b", "main"]


@pytest.mark.parametrize(("cores", "gibibytes", "wanted"), [(2, 20.0, 2), (8, 4.0, 2), (2, 0.5, 1), (4, None, 4)])
def test_no_more_compilers_than_memory_has_room_for(cores: int, gibibytes: float | None, wanted: int) -> None:
    assert parallel_compilers(cores, gibibytes) == wanted


def test_durations_are_read_at_a_glance() -> None:
    assert [duration(seconds) for seconds in (12.4, 89, 91, 600)] == ["12 s", "89 s", "2 min", "10 min"]
