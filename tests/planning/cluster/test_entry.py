"""What an Ingress is refused for, and which words of its controller the plan writes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from planning.cluster.entry_limits import LONGEST_LEAVING_SECONDS
from planning.cluster.gateway_document import DOCUMENT, document
from planning.cluster.gateway_features import FEATURES, KINDS, gateway_features, kind_of
from planning.cluster.ingress_table import annotation_rows, controllers
from planning.facts import rows
from planning.model import SERVICE_SCHEMES, EntryPlan, Severity
from planning.serving.drain import EKS_EVICTION_SECONDS
from settings.gateway import IngressController
from settings.read import read
from tests.conftest import REPO
from tests.planning.stacks import errors, model, planned, pool, refusal, rules, stack

ROOM = {"systemNodes": {"minNodes": 3}}
SECRET = {"kind": "secret", "name": "tls"}
ACM = {"kind": "acm", "arn": "arn:aws:acm:us-east-1:444455556666:certificate/12345678-1234"}
ZONE = {"kind": "acm", "hostedZoneId": "Z0123456789ABCDEFGHIJ"}
LONG = f"{'llm' * 18}.example.com"
RANGES = ["54.0.0.0/24", "54.0.1.0/24"]
JWT = {
    "kind": "jwt",
    "issuer": "https://id.example.com",
    "audiences": ["llm"],
    "jwksUri": "https://id.example.com/keys",
}


def ingress(ingress_class: str = "traefik", **more: Any) -> dict[str, Any]:
    return {"kind": "ingress", "host": "llm.example.com", "certificate": SECRET, "ingressClass": ingress_class, **more}


def public(ingress_class: str = "traefik", **more: Any) -> dict[str, Any]:
    return ingress(ingress_class, **{"access": "public", "sourceRanges": RANGES, "authentication": JWT, **more})


def of(controller: str, **more: Any) -> dict[str, Any]:
    """A public Ingress of a controller of the table."""
    row = controllers()[controller]
    said = {"controller": controller, "certificate": ACM if row.acm else SECRET, **more}
    return public(row.ingress_class, **said)


def entry(gateway: dict[str, Any]) -> EntryPlan:
    plan = planned(gateway=gateway, **ROOM).entry
    assert plan is not None
    return plan


UNKNOWN = {"controllerNamespace": "lb", "annotations": {"lb.example.com/allow": "54.0.0.0/24 54.0.1.0/24"}}


@pytest.mark.parametrize(
    ("gateway", "path", "words"),
    [
        (ingress("haproxy"), "controller", "made by HAProxy Kubernetes Ingress Controller and by HAProxy Ingress"),
        (ingress("company"), "controllerNamespace", "where the pods of the controller of company are"),
        (ingress("alb", certificate=ACM, controllerNamespace="x"), "controllerNamespace", "not from pods"),
        (public("company", controllerNamespace="lb"), "annotations", "no annotation has 54.0.0.0/24, 54.0.1.0/24"),
        (
            public("company", **{**UNKNOWN, "annotations": {"a/allow": "54.0.0.0/24 154.0.1.0/24"}}),
            "annotations",
            "no annotation has 54.0.1.0/24",
        ),
        (
            public("company", **{**UNKNOWN, "annotations": {"a/b": "54.0.0.0/24,54.0.1.0/24", "a/c": "0.0.0.0/0"}}),
            "annotations",
            "opens the gateway to the whole internet",
        ),
        (public(annotations={"x/y": "::/0"}), "annotations", "opens the gateway to the whole internet"),
        (
            public("company", **{**UNKNOWN, "annotations": {"a/b": "54.0.0.0/24,54.0.1.0/24", "a/c": "2000::/3"}}),
            "annotations",
            "opens the gateway to 12.50% of the internet (2000::/3)",
        ),
        *(
            (
                public("company", **{**UNKNOWN, "annotations": {key: " ".join(RANGES)}}),
                "annotations",
                "no annotation has",
            )
            for key in ("foo/deny", "description", "alb.ingress.kubernetes.io/tags", "pulumi.com/note")
        ),
        *(
            (section, f"annotations.{key}", "not beside the plan's own")
            for key in ("vllm-on-eks/internal", "vllm-on-eks/controller", *SERVICE_SCHEMES)
            for section in (of("nginx", annotations={key: "true"}), of("alb", annotations={key: "internal"}))
        ),
        (
            of("nginx", annotations={"alb.ingress.kubernetes.io/scheme": "internal"}),
            "annotations.alb.ingress.kubernetes.io/scheme",
            "takes the Ingress for internal",
        ),
        *(
            (
                public("company", **{**UNKNOWN, "annotations": {**UNKNOWN["annotations"], key: text}}),  # type: ignore[dict-item]
                f"annotations.{key}",
                "not beside the plan's own",
            )
            for key, text in {"vllm-on-eks/internal": "true", "alb.ingress.kubernetes.io/scheme": "internal"}.items()
        ),
        *(
            (of(controller, annotations={key: "x"}), f"annotations.{key}", words)
            for controller, key, words in (
                ("haproxy", "haproxy.org/src-ip-header", "a header that a client writes"),
                ("haproxy", "haproxy.com/src-ip-header", "a header that a client writes"),
                ("haproxy", "ingress.kubernetes.io/backend-config-snippet", "it can allow"),
                (
                    "haproxyIngress",
                    "haproxy-ingress.github.io/allowlist-source-header",
                    "a header that a client writes",
                ),
                ("haproxyIngress", "ingress.kubernetes.io/allowlist-source-header", "a header that a client writes"),
                ("haproxyIngress", "haproxy-ingress.github.io/config-backend", "it can allow"),
                ("haproxyIngress", "haproxy-ingress.github.io/config-backend-early", "it can allow"),
                ("alb", "alb.ingress.kubernetes.io/enable-frontend-nlb", "of its own scheme"),
                ("nginx", "nginx.ingress.kubernetes.io/auth-snippet", "it can allow"),
            )
        ),
        (of("alb", requestTimeoutSeconds=4001), "requestTimeoutSeconds", "4000 s of silence at most"),
        (
            of("alb", annotations={"alb.ingress.kubernetes.io/security-groups": "sg-1"}),
            "annotations.alb.ingress.kubernetes.io/security-groups",
            "inbound-cidrs is ignored",
        ),
        (
            of("nginx", annotations={"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}),
            "annotations.nginx.ingress.kubernetes.io/whitelist-source-range",
            "the plan writes it itself",
        ),
        (
            ingress("alb", certificate={**ACM, "arn": ACM["arn"].replace("us-east-1", "eu-west-1")}),
            "certificate.arn",
            "the certificate is in eu-west-1",
        ),
        (ingress("alb"), "certificate.kind", "certificates of AWS Certificate Manager only"),
        (ingress(certificate=ACM), "certificate.kind", "write kind: ingress with controller: alb"),
        (ingress(certificate=ZONE), "certificate.kind", "write kind: ingress with controller: alb"),
        (ingress("alb", certificate=ZONE, host=LONG), "host", "66 characters, and AWS Certificate Manager"),
        (public(authentication={"kind": "apiKeys", "secret": "k"}), "authentication.kind", "write kind: gatewayApi"),
        (public(authentication={"kind": "mtls", "secret": "k"}), "authentication.kind", "or tokens (JWT)"),
        (ingress(requestsPerMinute=5), "requestsPerMinute", "the proxies see the controller's address"),
        ({**ingress("traefik"), "kind": "gatewayApi", "certificate": ACM}, "certificate.kind", "reads Secrets"),
        ({**ingress("traefik"), "kind": "gatewayApi", "certificate": ZONE}, "certificate.kind", "reads Secrets"),
    ],
)
def test_what_an_ingress_cannot_be_is_refused_with_what_can(gateway: dict[str, Any], path: str, words: str) -> None:
    section = {key: value for key, value in gateway.items() if gateway["kind"] == "ingress" or key != "ingressClass"}
    told = errors(refusal(gateway=section, **ROOM))
    assert words in told[f"gateway.{path}"], told


@pytest.mark.parametrize("key", ["certificate", "host", "ingressClass"])
def test_an_ingress_without_host_certificate_or_class_is_refused(key: str) -> None:
    section = {name: value for name, value in ingress().items() if name != key}
    problems = read({"gateway": section, "nodePools": [pool()], "models": [model()]}, "dev").problems
    assert f"gateway.{key}" in {problem.path for problem in problems}


@pytest.mark.parametrize("lost", ["sourceRanges", "authentication"])
def test_a_public_ingress_without_ranges_or_authentication_is_refused(lost: str) -> None:
    section = {name: value for name, value in public().items() if name != lost}
    problems = read({"gateway": section, "nodePools": [pool()], "models": [model()]}, "dev").problems
    assert any(f"access is public without {lost}" in str(problem) for problem in problems)


def test_a_certificate_of_another_account_is_refused_and_one_of_its_own_is_not() -> None:
    gateway = ingress("alb", certificate=ACM)
    told = errors(refusal(gateway=gateway, account="777788889999", **ROOM))
    assert "account 444455556666" in told["gateway.certificate.arn"]
    assert planned(gateway=gateway, account="444455556666", **ROOM).entry


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "with neither arn nor hostedZoneId"),
        ({"arn": ACM["arn"], "hostedZoneId": ZONE["hostedZoneId"]}, "leave one of them out"),
        ({"hostedZoneId": "/hostedzone/Z0123456789ABCDEFGHIJ"}, "behind /hostedzone/"),
        ({"hostedZoneId": "example.com"}, "not the id of a hosted zone of Route 53"),
    ],
)
def test_a_certificate_of_acm_is_one_that_is_there_or_one_that_is_made_in_a_zone(
    said: dict[str, str], words: str
) -> None:
    section = ingress("alb", certificate={"kind": "acm", **said})
    (problem,) = read({"gateway": section, "nodePools": [pool()], "models": [model()]}, "dev").problems
    assert words in str(problem)
    assert problem.path.startswith("gateway.certificate")


def test_a_certificate_that_the_stack_makes_has_its_arn_where_the_controller_reads_it() -> None:
    plan = entry(of("alb", certificate=ZONE, host=LONG[2:]))
    assert plan.certificate_arn is None
    assert plan.new_certificate is not None
    assert plan.new_certificate.host == plan.gateway.host == LONG[2:]
    assert plan.new_certificate.hosted_zone_id == ZONE["hostedZoneId"]
    assert plan.new_certificate.annotation == "alb.ingress.kubernetes.io/certificate-arn"
    assert plan.new_certificate.annotation not in plan.ingress.annotations
    assert entry(of("alb")).new_certificate is None
    assert 60 <= plan.new_certificate.record_ttl_seconds <= 300


def test_every_controller_that_takes_certificates_of_acm_has_a_word_for_one() -> None:
    takers = [name for name, row in controllers().items() if row.acm]
    assert takers
    assert all(entry(of(name, certificate=ZONE)).new_certificate for name in takers)


def test_more_paths_than_a_load_balancer_has_rules_are_refused() -> None:
    models = [model(name=f"m{number}", servedName=f"m{number}") for number in range(25)]
    sections = {"nodePools": [pool(minNodes=25, maxNodes=25)], "models": models, **ROOM}
    assert "make 104 rules" in errors(refusal(gateway=of("alb"), **sections))["gateway.paths"]
    assert planned(gateway=of("traefik"), **sections).entry


@pytest.mark.parametrize("name", controllers())
def test_every_controller_of_the_table_is_told_who_may_connect_and_no_plain_http(name: str) -> None:
    plan = entry(of(name))
    text = " ".join((*plan.ingress.annotations.values(), str(plan.ingress.restriction)))
    assert all(block in text for block in RANGES)
    purposes = {row.what for at in ("ingress", "object", "service") for row in annotation_rows(name, at)}
    assert {"https", "sources"} <= purposes
    assert not [value for value in plan.ingress.annotations.values() if "{" in value and "HTTPS" not in value]
    assert all(plan.ingress.annotations.values()), "an empty word is left out"
    assert (plan.callers == ()) == (plan.caller_ranges != ()) == (controllers()[name].namespace is None)


def test_of_a_load_balancer_of_aws_security_group_tls_and_idle_time_are_told() -> None:
    told = {key.rpartition("/")[2]: text for key, text in entry(of("alb")).ingress.annotations.items()}
    assert told["scheme"] == "internet-facing"
    assert told["listen-ports"] == '[{"HTTPS": 443}]'
    assert told["certificate-arn"] == ACM["arn"]
    assert told["inbound-cidrs"] == ",".join(RANGES)
    assert "idle_timeout.timeout_seconds=600" in told["load-balancer-attributes"]
    assert "stack=dev" in told["tags"]
    assert entry(of("alb")).ingress.awaited
    assert not entry(of("traefik")).ingress.awaited
    assert entry(ingress("alb", certificate=ACM)).ingress.annotations["alb.ingress.kubernetes.io/scheme"] == "internal"


def test_a_class_without_a_row_has_its_own_words_and_is_said_to_be_internal_where_it_is() -> None:
    open_one = entry(public("company", **UNKNOWN)).ingress
    assert (open_one.controller, open_one.annotations) == ("other", UNKNOWN["annotations"])
    plan = planned(gateway=ingress("company", controllerNamespace="lb"), **ROOM)
    assert plan.entry is not None
    assert plan.entry.ingress.annotations == {"vllm-on-eks/internal": "true"}
    assert "ingress-sources" in rules(plan.findings, Severity.WARNING)


def test_a_list_of_who_is_kept_out_opens_nothing() -> None:
    denied = {"nginx.ingress.kubernetes.io/denylist-source-range": "185.0.0.0/8"}
    assert entry(of("nginx", annotations=denied)).ingress.annotations.items() >= denied.items()


def test_a_controller_that_was_retired_is_warned_of() -> None:
    assert "ingress-retired" in rules(planned(gateway=of("nginx"), **ROOM).findings, Severity.WARNING)
    assert "ingress-retired" not in rules(planned(gateway=of("traefik"), **ROOM).findings, Severity.WARNING)


def test_proxies_are_counted_on_the_system_nodes_and_among_the_images() -> None:
    small = entry(ingress())
    large = entry(ingress(maxBodyMib=20, requestTimeoutSeconds=7200))
    assert (small.resources.memory, large.resources.memory) == ("480Mi", "640Mi")
    assert large.heap_bytes == (640 - 64) * 1024 * 1024
    assert (large.leaving_seconds, large.idle_seconds) == (LONGEST_LEAVING_SECONDS, 7260)
    told = errors(refusal(gateway=ingress(maxBodyMib=1024), **ROOM))
    assert any("proxy of the gateway" in text or "MiB" in text for text in told.values()), told


def test_every_feature_has_every_kind_with_source_and_day_and_every_controller_its_rows() -> None:
    assert set(gateway_features()) == {feature.name for feature in FEATURES}
    for cells in gateway_features().values():
        assert set(cells) == set(KINDS)
        for cell in cells.values():
            assert cell.does in ("yes", "no", "theirs")
            assert cell.how
            assert date.fromisoformat(cell.date) <= date(2026, 11, 28)
            assert (REPO / cell.source).exists() or cell.does != "yes", cell.source
    assert set(controllers()) == {each.value for each in IngressController} - {"other"}
    assert {row["controller"] for row in rows("ingress_annotations.csv")} == set(controllers())
    assert all(date.fromisoformat(row["date"]) and row["source"] for row in rows("ingress_controllers.csv"))


@pytest.mark.parametrize("name", controllers())
def test_a_kind_of_the_table_is_known_by_its_controller(name: str) -> None:
    gateway = stack(gateway=of(name)).gateway
    assert kind_of(gateway) == ("alb" if controllers()[name].acm else "ingress")  # type: ignore[arg-type]


def test_the_page_is_made_of_the_tables() -> None:
    page = (REPO / DOCUMENT).read_text(encoding="utf-8")
    assert document(page) == page


def test_a_proxy_leaves_within_eks_patience_and_a_longer_answer_is_warned_of() -> None:
    plan = planned(gateway=ingress(requestTimeoutSeconds=LONGEST_LEAVING_SECONDS + 1), **ROOM)
    assert plan.entry is not None
    assert plan.entry.grace_seconds < EKS_EVICTION_SECONDS
    assert "ingress-leaving" in rules(plan.findings, Severity.WARNING)
    fits = planned(gateway=ingress(requestTimeoutSeconds=LONGEST_LEAVING_SECONDS), **ROOM)
    assert "ingress-leaving" not in rules(fits.findings, Severity.WARNING)


def test_an_update_of_the_system_nodes_waits_for_proxies() -> None:
    room = {"systemNodes": {"minNodes": 3, "maxNodes": 20}}
    quick, slow = (planned(gateway=ingress(requestTimeoutSeconds=s), **room).system_nodes for s in (60, 860))
    assert (slow.update_timeout_seconds or 0) > (quick.update_timeout_seconds or 0) + 15 * 600


@pytest.mark.parametrize(
    "gateway",
    [ingress(namespace="traefik"), ingress(controllerNamespace="gateway"), ingress(controllerNamespace="models")],
    ids=["the gateway's", "named as the gateway's", "a model's"],
)
def test_the_controllers_namespace_is_its_own(gateway: dict[str, Any]) -> None:
    assert "gateway.controllerNamespace" in str(errors(refusal(gateway=gateway, **ROOM)))


def test_a_cluster_that_the_stack_makes_has_no_controller_yet() -> None:
    assert "ingress-first" in rules(planned(gateway=of("traefik"), **ROOM).findings, Severity.WARNING)
    assert "ingress-first" not in rules(
        planned(gateway=public("company", **UNKNOWN), **ROOM).findings, Severity.WARNING
    )


def test_proxies_pull_with_the_stacks_secrets_and_no_secret_has_an_acm_certificate() -> None:
    plan = planned(gateway=of("alb"), registry={"pullSecrets": ["regcred"]}, **ROOM).entry
    assert plan is not None
    assert plan.pull_secrets == ("regcred",)
    assert plan.gateway.certificate_secret == ""


def test_load_balancers_of_a_network_whose_ranges_are_not_known_are_private_ones() -> None:
    network = {
        "kind": "existing",
        "vpcId": "vpc-0123456789abcdef0",
        "privateSubnetIds": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    }
    plan = planned(gateway=of("alb"), network=network, **ROOM).entry
    assert plan is not None
    assert "0.0.0.0/0" not in plan.caller_ranges
    assert "10.0.0.0/8" in plan.caller_ranges
