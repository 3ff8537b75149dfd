"""One list of what looks like a credential; examples are put together here, so that no scanner takes them for real."""

from __future__ import annotations

from typing import Any

import pytest

from policies.workloads import no_plain_secrets
from preview.masking import masked
from settings.problems import path_text, shown
from settings.read import read
from settings.secrets import hidden, secret_kind
from tests.conftest import REPO

REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
MODEL = {"name": "qwen", "source": "Qwen/Qwen2.5-7B-Instruct", "revision": REVISION}
MIXED = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3A"  # 40 characters of three kinds
SECRETS = {
    "a Hugging Face token": "hf_" + MIXED[:34],
    "an AWS access key id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "an AWS secret access key": MIXED[:20] + "/" + MIXED[:19],
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "an age key": "AGE-SECRET-" + "KEY-1" + "A" * 58,
    "a GitHub token": "github_" + "pat_" + MIXED + MIXED,
    "a GitLab token": "glpat" + "-" + MIXED[:20],
    "an NVIDIA API key": "nvapi" + "-" + MIXED,
    "a Slack token": "xoxb" + "-1234567890-" + MIXED[:24],
    "a Slack webhook": "https://hooks.slack" + ".com/services/T0000/B0000/" + MIXED[:24],
    "a Discord webhook": "https://discord" + ".com/api/webhooks/123456789/" + MIXED,
    "a Mattermost webhook": "https://chat.example.com/hooks/" + "x7abc9" * 4 + "yz",
    "a Telegram bot token": "https://api.telegram.org/bot" + "123456789:" + MIXED[:35],
    "a Microsoft Teams webhook": "https://x.webhook" + ".office.com/webhookb2/" + MIXED,
    "a signed Azure address": "https://prod-1.logic.azure.com/workflows/x?api-version=1&" + "sig=" + MIXED,
    "an Azure storage key": "AccountName=x;Account" + "Key=" + MIXED + MIXED,
    "an Azure client secret": "Ab1" + "8Q~" + MIXED[:34],
    "a PagerDuty integration key": "https://events.pagerduty.com/integration/" + "0123456789abcdef" * 2 + "/enqueue",
    "a Google API key": "AIza" + MIXED[:35],
    "a Google access token": "ya29." + MIXED,
    "an API key of OpenAI's form": "sk-" + "proj-" + MIXED,
    "a Groq or Replicate key": "gsk_" + MIXED,
    "a Stripe key": "sk_" + "live_" + MIXED[:24],
    "a Twilio key": "SK" + "0123456789abcdef" * 2,
    "a SendGrid key": "SG." + MIXED[:22] + "." + MIXED,
    "a Docker Hub token": "dckr_" + "pat_" + MIXED[:27],
    "a package registry token": "npm_" + MIXED[:36],
    "a Pulumi token": "pul-" + "0123456789abcdef" * 2 + "01234567",
    "a Vault token": "hvs." + MIXED,
    "a Grafana token": "glsa_" + MIXED[:32] + "_0123abcd",
    "a Databricks token": "dapi" + "0123456789abcdef" * 2,
    "a New Relic key": "NRAK-" + "A1B2C3D4E" * 3,
    "a DigitalOcean token": "dop_" + "v1_" + "0123456789abcdef" * 4,
    "a JSON Web Token": "eyJ" + MIXED[:20] + ".eyJ" + MIXED[:20] + ".x",
    "a password in an address": "https://user:" + "pw@example.com/x",
    "a token in an address": "https://example.com/x?access_" + "token=abcdefgh1",
    "an Authorization header": "Authorization: " + "Bearer " + MIXED[:24],
}


@pytest.mark.parametrize(("kind", "text"), SECRETS.items())
def test_every_kind_is_known_refused_in_settings_masked_in_reports_and_found_by_the_policy(
    kind: str, text: str
) -> None:
    assert secret_kind(text), kind
    assert secret_kind(f"before {text} after"), kind
    tail = text[-12:]
    problems = [
        str(problem)
        for problem in read(
            {"tags": {"note": text}, "models": [{**MODEL, "extraArgs": [f"--seed={text}"]}]}, "dev"
        ).problems
    ]
    assert any(each.startswith("tags.note: holds what looks like") for each in problems)
    assert any(each.startswith("models[0].extraArgs[0]: holds what looks like") for each in problems)
    assert tail not in str(problems)
    for shown_text in (
        str(masked({"a": [text], text: "x"})),
        shown(text),
        path_text(("tags", text)),
        hidden(text, "-"),
    ):
        assert tail not in shown_text or kind in ("a private key", "a password in an address")
        assert secret_kind(shown_text) is None


def test_the_examples_have_every_row_of_the_list() -> None:
    rows = (REPO / "settings/secret_patterns.csv").read_text(encoding="utf-8").splitlines()[3:]
    assert {row.split(",")[0] for row in rows} == set(SECRETS)


@pytest.mark.parametrize(
    "text",
    [
        *(
            REVISION,
            "sha256:" + "ab" * 32,
            "meta-llama/Llama-3.1-8B-Instruct",
            "Qwen/Qwen2.5-Coder-32B-Instruct-GPTQ-Int4",
        ),
        *(
            "https://hooks.example.com/alerts",
            "http://alertmanager.monitoring.svc:9093/api",
            "--max-num-batched-tokens=8192",
        ),
        *("123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror", "arn:aws:iam::123456789012:role/platform-on-call"),
        *('sum(rate(vllm:num_requests_waiting{namespace="models"}[1m]))', "https://github.com/o/r/blob/main/docs/x.md"),
        *('--speculative-config={"method":"ngram","num_speculative_tokens":4}', "a basic understanding of things"),
    ],
)
def test_what_stands_in_ordinary_stack_files_is_no_credential(text: str) -> None:
    assert secret_kind(text) is None
    assert hidden(text, "-") == text


def test_a_secret_in_a_key_is_not_repeated_either() -> None:
    token = SECRETS["an NVIDIA API key"]
    told = str(read({"tags": {token: "x"}, token: {}}, "dev").problems)
    assert "holds what looks like" in told
    assert token not in told


@pytest.mark.parametrize("room", ["Pulumi.dev.yaml", "Pulumi.prod.yaml", "README.md", "docs/settings.md"])
def test_our_own_files_hold_none(room: str) -> None:
    lines: list[Any] = (REPO / room).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if secret_kind(line)] == []
    assert no_plain_secrets is not None
