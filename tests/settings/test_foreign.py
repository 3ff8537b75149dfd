"""Keys of other packages are refused by name; none is ignored."""

from __future__ import annotations

import pytest

from settings.foreign import with_foreign
from settings.read import read


def told(*keys: str) -> dict[str, str]:
    loaded = with_foreign(read({}, "dev"), keys, "dev")
    return {problem.path: problem.text for problem in loaded.problems}


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("aws:profile", "AWS_PROFILE"),
        ("aws:region", "vllm-on-eks:region"),
        ("aws:defaultTags", "vllm-on-eks:tags"),
        ("aws:allowedAccountIds", "vllm-on-eks:account"),
        ("aws:someNewKey", "environment"),
        ("kubernetes:kubeconfig", "own cluster"),
    ],
)
def test_a_key_that_no_provider_reads_is_refused_with_what_to_write(key: str, instead: str) -> None:
    message = told(key)[key]
    assert instead in message
    assert f"pulumi config rm {key} --stack dev" in message


def test_ours_and_those_of_packages_that_we_do_not_use_are_left_alone() -> None:
    assert told("vllm-on-eks:region", "pulumi:tags", "other:key") == {}
