"""Each chart comes from one place: `registry.charts`, else the mirror, else its own repository."""

from __future__ import annotations

import pytest

from planning.findings import Findings
from planning.model import ChartRef, PlanRefused
from planning.plan import plan
from planning.versions.charts import ChartSources
from planning.versions.pins import CHARTS
from settings.addons import Registry
from settings.charts import ChartFolder, FoundChart
from tests.planning.stacks import errors, stack

EVERY = tuple(FoundChart(pin.chart, pin.version, f"/srv/charts/{pin.chart}") for pin in CHARTS.values())


def reference(registry: Registry, name: str = "gpu-operator", folder: ChartFolder | None = None) -> ChartRef:
    findings = Findings()
    chart = ChartSources(registry, folder).reference(name, findings)
    assert findings.all() == ()
    return chart


def refused(folder: ChartFolder) -> dict[str, list[str]]:
    try:
        plan(stack(registry={"charts": folder.path}), "dev", folder)
    except PlanRefused as refusal:
        messages = [finding.text for finding in refusal.findings if finding.path in errors(refusal.findings)]
        return {"registry.charts": messages}
    raise AssertionError("the plan was accepted")


def test_a_chart_comes_from_its_own_https_repository() -> None:
    assert reference(Registry()) == ChartRef("gpu-operator", "v26.7.0", "https://helm.ngc.nvidia.com/nvidia")


def test_a_chart_behind_a_mirror_is_an_oci_chart() -> None:
    chart = reference(Registry(mirror="mirror.example/images"))
    assert chart == ChartRef("oci://mirror.example/images/charts/gpu-operator", "v26.7.0", None)


@pytest.mark.parametrize("mirror", [None, "mirror.example/images"])
def test_a_source_of_charts_goes_before_the_mirror(mirror: str | None) -> None:
    oci = reference(Registry(mirror=mirror, charts="oci://registry.example/helm"))
    assert oci == ChartRef("oci://registry.example/helm/gpu-operator", "v26.7.0", None)
    repository = reference(Registry(mirror=mirror, charts="https://charts.example"))
    assert repository == ChartRef("gpu-operator", "v26.7.0", "https://charts.example")
    folder = reference(Registry(mirror=mirror, charts="/srv/charts"), folder=ChartFolder("/srv/charts", EVERY))
    assert folder == ChartRef("/srv/charts/gpu-operator", "v26.7.0", None)


def test_images_go_on_coming_from_the_mirror() -> None:
    registry = {"mirror": "mirror.example", "charts": "/srv/charts"}
    planned = plan(stack(registry=registry), "dev", ChartFolder("/srv/charts", EVERY))
    assert planned.models[0].image.startswith("mirror.example/")
    assert planned.gpu_operator is not None
    assert planned.gpu_operator.mirror == "mirror.example"
    assert planned.gpu_operator.chart.chart == "/srv/charts/gpu-operator"


def test_nobody_having_looked_the_folder_is_taken_at_its_word() -> None:
    assert reference(Registry(charts="./charts")).chart == "./charts/gpu-operator"


def test_the_archive_of_the_pinned_version_is_taken_among_others() -> None:
    there = tuple(FoundChart("keda", version, f"./c/keda-{version}.tgz") for version in ("2.20.1", "2.20.2", "2.20.3"))
    assert reference(Registry(charts="./c"), "keda", ChartFolder("./c", there)).chart == "./c/keda-2.20.2.tgz"


def test_every_chart_that_the_stack_needs_and_the_folder_lacks_is_named_at_once() -> None:
    message = refused(ChartFolder("/srv/charts", EVERY[:1]))["registry.charts"]
    names = ["kube-prometheus-stack", "prometheus-adapter", "cluster-autoscaler"]
    assert [each.split(";")[0] for each in message] == [f"/srv/charts holds no chart {name}" for name in names]
    assert (
        "run: helm pull prometheus-adapter --repo https://prometheus-community.github.io/helm-charts "
        "--version 5.3.0 --destination /srv/charts"
    ) in message[1]


def test_another_version_is_not_taken_for_the_pinned_one() -> None:
    old = FoundChart("gpu-operator", "v25.3.0", "/srv/charts/gpu-operator")
    message = refused(ChartFolder("/srv/charts", (old, *EVERY[1:])))["registry.charts"]
    assert message[0].startswith("/srv/charts holds gpu-operator v25.3.0 only; v26.7.0 is needed; run: helm pull")
    assert len(message) == 1


def test_a_folder_that_is_not_there_is_one_line_per_chart_that_is_needed() -> None:
    message = refused(ChartFolder("/srv/none", problem="is not there"))["registry.charts"]
    assert len(message) == 4
    assert all(each.startswith("/srv/none is not there; name a folder that holds ") for each in message)


def test_a_chart_without_its_dependencies_is_refused_before_helm_does() -> None:
    lacking = FoundChart("gpu-operator", "v26.7.0", "/srv/charts/gpu-operator", ("node-feature-discovery",))
    (told,) = refused(ChartFolder("/srv/charts", (lacking, *EVERY[1:])))["registry.charts"]
    assert "lacks charts that it depends on (node-feature-discovery)" in told
    assert told.endswith("run: helm dependency build /srv/charts/gpu-operator")


def test_a_cluster_with_its_own_keda_needs_no_chart_of_it() -> None:
    keda = {"autoscaling": {"kind": "keda", "maxReplicas": 2}}
    folder = ChartFolder("/srv/charts", tuple(chart for chart in EVERY if chart.name != "keda"))
    base = stack()
    model = {**base.models[0].model_dump(by_alias=True, mode="json"), **keda}
    pools = [{"name": "l4", "instanceTypes": ["g6.xlarge"], "maxNodes": 3}]
    registry = {"charts": "/srv/charts"}
    own = stack(models=[model], nodePools=pools, keda={"install": False}, registry=registry)
    assert plan(own, "dev", folder).keda is not None
    with pytest.raises(PlanRefused, match="holds no chart keda"):
        plan(stack(models=[model], nodePools=pools, registry=registry), "dev", folder)
