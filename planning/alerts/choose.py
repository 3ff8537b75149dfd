"""Alerts of a stack: which rules, for whom, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planning.alerts.model import job_selector, server_group
from planning.alerts.slo import slo_group
from planning.alerts.stack import NO_TEAM, cost_group, hardware_group
from planning.alerts.table import Desk
from planning.findings import Findings
from planning.model import (
    GpuOperatorPlan,
    MonitoringPlan,
    NodeGroupPlan,
    RuleGroupPlan,
    ServedModel,
    WebhookPlan,
)
from planning.versions.vllm_versions import version_of
from settings.addons import WebhookReceiver
from settings.models import Model
from settings.stack import StackSettings
from settings.urls import url_parts

# Addresses whose path is the password.
SECRET_HOSTS = ("hooks.slack.com", "discord.com", "discordapp.com", "events.pagerduty.com", "webhook.office.com")


def plan_alerts(
    settings: StackSettings,
    monitoring: MonitoringPlan | None,
    models: Sequence[ServedModel],
    nodes: Sequence[NodeGroupPlan],
    operator: GpuOperatorPlan | None,
    findings: Findings,
) -> tuple[MonitoringPlan | None, tuple[ServedModel, ...]]:
    """Monitoring with the stack's rules, models with theirs; both as they were in a stack without monitoring.

    `nodes`: all groups, those without GPU too. Costs are recorded whether or not alerts are wanted.
    """
    if monitoring is None:
        return None, tuple(models)
    asked = {(model.namespace, model.name): (f"models[{index}]", model) for index, model in enumerate(settings.models)}
    groups: list[RuleGroupPlan] = []
    if settings.monitoring.alerts.enabled:
        gpu_pools = [group for group in nodes if group.gpu]
        groups.append(hardware_group(gpu_pools, operator, _desk(settings, {})))
        models = [_with_alerts(settings, *asked[model.namespace, model.name], model, findings) for model in models]
    tenants = {tenant.own_namespace: tenant.name for tenant in settings.tenants}
    stacks = settings.tags.get("team") or NO_TEAM
    teams = [
        (model, asked[model.namespace, model.name][1].team or tenants.get(model.namespace, stacks)) for model in models
    ]
    groups.append(cost_group(nodes, teams, settings.region))
    return replace(monitoring, alert_groups=tuple(groups), webhook=_webhook(settings)), tuple(models)


def _with_alerts(
    settings: StackSettings, path: str, asked: Model, model: ServedModel, findings: Findings
) -> ServedModel:
    desk = _desk(settings, {"namespace": model.namespace, "model": model.name})
    written = "time_to_first_token_seconds" in asked.slo.model_fields_set
    version = version_of(model.vllm_version)
    slo = slo_group(asked.slo, written, job_selector(model), version, f"{path}.slo", desk, findings)
    return replace(model, alert_groups=(slo, server_group(model, desk)))


def check_receiver(settings: StackSettings, findings: Findings) -> None:
    """An address that is a password must not stand in the stack file, nor in the values of a chart."""
    receiver = settings.monitoring.alerts.receiver
    if not isinstance(receiver, WebhookReceiver) or receiver.url is None:
        return
    address = url_parts(receiver.url)
    host = address.host
    is_secret = any(host == secret_host or host.endswith(f".{secret_host}") for secret_host in SECRET_HOSTS)
    if address.credentials or address.query or is_secret:
        findings.error(
            "monitoring.alerts.receiver.url",
            "webhook-secret",
            f"knowing this address of {host} is enough to post to it",
            "write urlKey: alertWebhook instead and run `pulumi config set --secret vllm-on-eks:alertWebhook`",
        )


def _desk(settings: StackSettings, labels: dict[str, str]) -> Desk:
    monitoring = settings.monitoring
    return Desk(monitoring.alerts.runbook_base_url, monitoring.scrape_interval_seconds, labels)


def _webhook(settings: StackSettings) -> WebhookPlan | None:
    receiver = settings.monitoring.alerts.receiver
    if not settings.monitoring.alerts.enabled or not isinstance(receiver, WebhookReceiver):
        return None
    return WebhookPlan(receiver.url, receiver.url_key)
