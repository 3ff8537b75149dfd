"""What is changed of the operator's configuration, and what is not."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from local.monitoring.programs import PROGRAMS
from local.monitoring.rewrites import REPLACED, Here, in_root, prometheus_config, scrape_relabelings, without_flags
from tests.golden import assert_matches

GOLDENS = Path(__file__).parent / "goldens"
HERE = Here(Path("/state/root"), Path("/state/kubeconfig"), pod_network=19400, alertmanager=19093)
MOUNTS = [
    "/etc/prometheus/config",
    "/etc/prometheus/certs",
    "/etc/prometheus/rules/prometheus-kube-prometheus-stack-prometheus-rulefiles-0",
]


def rewritten() -> str:
    text = (GOLDENS / "operator-prometheus.yaml").read_text()
    return prometheus_config(text, "prometheus-kube-prometheus-stack-prometheus-0", MOUNTS, HERE)


def test_the_operators_configuration_is_rewritten_only_where_pods_have_no_network() -> None:
    assert_matches(GOLDENS / "rewritten-prometheus.yaml", rewritten())


def test_what_the_operator_selects_by_is_left_as_it_is() -> None:
    """A wrong port name or label in a monitor has to lose its targets here as in production."""
    before = yaml.safe_load((GOLDENS / "operator-prometheus.yaml").read_text().replace("$(SHARD)", "0"))
    for job, original in zip(yaml.safe_load(rewritten())["scrape_configs"], before["scrape_configs"], strict=True):
        rules = original.get("relabel_configs", [])
        assert job.get("relabel_configs", [])[: len(rules)] == rules


def test_a_target_that_is_no_pod_of_the_cluster_is_left_alone() -> None:
    job = next(j for j in yaml.safe_load(rewritten())["scrape_configs"] if j["job_name"].startswith("scrapeConfig"))
    assert job["scheme"] == "https"
    assert "relabel_configs" not in job


def relabelled(labels: dict[str, str]) -> dict[str, str]:
    """Prometheus' `replace` action, as far as these rules use it."""
    labels = dict(labels)
    for rule in scrape_relabelings(19400):
        value = ";".join(labels.get(name, "") for name in rule.get("source_labels", []))
        match = re.fullmatch(rule.get("regex", "(.*)"), value)
        if match:
            labels[rule["target_label"]] = match.expand(re.sub(r"\$(\d)", r"\\\1", rule["replacement"]))
    return labels


def test_a_pods_address_becomes_a_path_at_the_pod_network_with_its_own_port() -> None:
    labels = relabelled(
        {
            "__meta_kubernetes_namespace": "models",
            "__meta_kubernetes_pod_name": "qwen-0",
            "__address__": "10.244.0.24:8000",
            "__metrics_path__": "/metrics",
        }
    )
    assert labels["__address__"] == "127.0.0.1:19400"
    assert labels["__metrics_path__"] == "/pods/models/qwen-0:8000/metrics"
    assert labels["instance"] == "10.244.0.24:8000"


def test_an_instance_that_a_monitor_sets_stays() -> None:
    assert relabelled({"instance": "mine", "__address__": "10.0.0.1:80"})["instance"] == "mine"


def test_mounted_folders_are_found_below_the_root_and_others_are_not_touched() -> None:
    text = 'a: /etc/x/rules/*.yaml\nb: "/etc/x"\nc: /etc/xy/z\nd: http://h/etc/x/z\n'
    assert in_root(text, ["/etc/x", "/etc/x/rules"], Path("/r")) == (
        'a: /r/etc/x/rules/*.yaml\nb: "/r/etc/x"\nc: /etc/xy/z\nd: http://h/etc/x/z\n'
    )


def test_flags_that_mean_the_container_are_taken_out_and_all_others_stay() -> None:
    given = [
        "--config.file=/etc/x", "--web.console.templates=/y", "--web.enable-lifecycle", "--storage.tsdb.path=/p",
        "--storage.tsdb.retention.time=15d", "--web.route-prefix=/",
    ]  # fmt: skip
    assert without_flags(given, REPLACED["prometheus"]) == [
        "--web.enable-lifecycle", "--storage.tsdb.retention.time=15d", "--web.route-prefix=/",
    ]  # fmt: skip
    assert without_flags(["--cluster.peer=a", "--data.retention=1h"], REPLACED["alertmanager"]) == [
        "--data.retention=1h"
    ]


def test_every_program_has_its_list_of_replaced_flags() -> None:
    assert set(REPLACED) == {program.name for program in PROGRAMS}
