"""Plan values for component tests: small, literal, with every optional part on in one and off in another."""

from __future__ import annotations

from dataclasses import replace

from planning.backends.table import OURS, YES, backends, features
from planning.cluster.kubeai import target_requests
from planning.cluster.operators import operator_resources
from planning.facts import rows
from planning.model import (
    GPU_TAINT,
    AddonNetworkPlan,
    AutoscalingPlan,
    BucketPlan,
    CachePlan,
    CanaryMetricPlan,
    CanaryPlan,
    CanaryStepPlan,
    ChartRef,
    ClaimPlan,
    ClusterAutoscalerPlan,
    DrainPlan,
    ExternalSecretsPlan,
    GpuOperatorPlan,
    GpuSharingPlan,
    GroupPlan,
    HubPlan,
    ImagePlan,
    KarpenterNodesPlan,
    KarpenterPlan,
    KedaPlan,
    KubeaiModelPlan,
    KubeaiPlan,
    LoadBalancerControllerPlan,
    MetricRule,
    MonitoringPlan,
    NodeGroupPlan,
    OpenCostPlan,
    OperatorPlan,
    PickerPlan,
    PodResources,
    ProbePlan,
    PullThroughPlan,
    RayPlan,
    ReadSecretPlan,
    RecordingRulePlan,
    RemoteTokenPlan,
    RepositoryPlan,
    ResourceProfilePlan,
    RouterPlan,
    ScalerKind,
    ScalingMetric,
    ScalingRulePlan,
    SchedulePlan,
    ServedModel,
    SmokeTestPlan,
    SpareNodesPlan,
    TaintPlan,
    TokenPlan,
    TracingPlan,
    UpstreamPlan,
    Via,
    ZeroPlan,
)
from planning.nodes.spare import PULLS, SLEEPS
from planning.versions.pins import ENGINES

MIRROR = "111122223333.dkr.ecr.us-west-2.amazonaws.com/mirror"
ECR = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
CACHE = PullThroughPlan(
    "111122223333",
    "us-west-2",
    tuple(
        UpstreamPlan(row["registry"], row["url"], f"prod/{row['name']}", None)
        for row in rows("pull_through_upstreams.csv")
    ),
)
"""Of every registry that ECR can be a cache of."""
PROMETHEUS_CHARTS = "https://prometheus-community.github.io/helm-charts"
QUEUE_DEPTH = ScalingMetric(
    kind="queueDepth",
    rule=MetricRule("vllm:num_requests_waiting", "vllm_queue_depth", "test"),
    query='sum(vllm:num_requests_waiting{namespace="models",job="models/llama"})',
    value_type="AverageValue",
    target=5.0,
    unit="requests waiting",
    why="test",
)
DEMAND = ScalingMetric(
    kind="demand",
    rule=MetricRule(
        "vllm_on_eks:demand:replicas",
        "vllm_demand_replicas",
        "test",
        "max by (<<.GroupBy>>) (<<.Series>>{<<.LabelMatchers>>})",
        Via.SERVICE,
    ),
    query='vllm_on_eks:demand:replicas{namespace="models",service="llama"}',
    value_type="AverageValue",
    target=1.0,
    unit="replicas",
    why="test",
)

IN_FLIGHT = replace(QUEUE_DEPTH, kind="inFlight", target=44.8, unit="requests in flight")

SMOKE_TEST = SmokeTestPlan(
    image="nvidia/cuda:13.0.3-base-ubuntu24.04",
    pool="gpu",
    gpus=4,
    node_selector={"vllm-on-eks/pool": "gpu"},
    timeout_seconds=900,
)

SPARE_NODES = SpareNodesPlan(
    pool="gpu",
    nodes=2,
    image="registry.k8s.io/pause:3.10@sha256:" + "e" * 64,
    containers=(replace(SLEEPS, gpus=4),),
    pulls=PULLS,
    model_images=("vllm/vllm-openai:v0.33.0",),
    node_selector={"vllm-on-eks/pool": "gpu"},
    taints=(GPU_TAINT, TaintPlan("team", "research", "NoExecute")),
)

GPU_OPERATOR = GpuOperatorPlan(
    chart=ChartRef("gpu-operator", "v26.7.0", "https://helm.ngc.nvidia.com/nvidia"),
    namespace="gpu-operator",
    driver=False,
    toolkit=False,
    device_plugin=True,
    gpu_feature_discovery=True,
    dcgm_exporter=True,
    dcgm_scrape_interval_seconds=15,
    mirror=None,
    smoke_tests=(SMOKE_TEST,),
)

SHARING_OPERATOR = replace(
    GPU_OPERATOR,
    sharing=(
        GpuSharingPlan("mps", 2),
        GpuSharingPlan("timeSlicing", 4),
        GpuSharingPlan("mig", 7, "1g.5gb"),
        GpuSharingPlan("mig", 3, "2g.10gb"),
    ),
)

MONITORING = MonitoringPlan(
    stack_chart=ChartRef("kube-prometheus-stack", "88.5.3", PROMETHEUS_CHARTS),
    adapter_chart=ChartRef("prometheus-adapter", "5.3.0", PROMETHEUS_CHARTS),
    namespace="monitoring",
    retention_days=15,
    storage_gib=50,
    storage_class="gp3",
    scrape_interval_seconds=15,
    grafana=True,
    grafana_password_key="grafanaPassword",
    adapter_rules=(DEMAND.rule, QUEUE_DEPTH.rule),
    mirror=None,
    retention_size_gib=45,
)

# A model that downloads in each pod, with a token from Pulumi's configuration.
MODEL = ServedModel(
    name="llama",
    namespace="models",
    pod_names=backends()["deployment"].pods_of("llama"),
    pod_selector=dict(backends()["deployment"].labels),
    model_id="meta-llama/Llama-3.1-8B-Instruct",
    revision="0e9e39f249a16976918f6564b8830bc894c89659",
    served_name="llama-3.1-8b",
    image="vllm/vllm-openai:v0.33.0",
    vllm_version="0.33.0",
    args=(
        "meta-llama/Llama-3.1-8B-Instruct",
        "--revision=0e9e39f249a16976918f6564b8830bc894c89659",
        "--served-model-name=llama-3.1-8b",
        "--max-model-len=8192",
        "--shutdown-timeout=120",
    ),
    env={"VLLM_LOGGING_LEVEL": "INFO"},
    pool="gpu",
    node_selector={"vllm-on-eks/pool": "gpu"},
    resources=PodResources("3500m", "12Gi", "60Gi", "2Gi", 1),
    download_resources=PodResources("1", "4Gi", "60Gi", "64Mi", 0),
    startup_probe=ProbePlan(10, 5, 90),
    readiness_probe=ProbePlan(5, 5, 3),
    liveness_probe=ProbePlan(15, 10, 6),
    drain=DrainPlan(15, 120, 180, 30),
    token=TokenPlan("llama-hf-token", "token", "hfToken"),
    cache=CachePlan("emptyDir", 40),
    source=HubPlan("hf://meta-llama/Llama-3.1-8B-Instruct@0e9e39f249a16976918f6564b8830bc894c89659"),
    repositories=(
        RepositoryPlan(
            "meta-llama/Llama-3.1-8B-Instruct",
            "0e9e39f249a16976918f6564b8830bc894c89659",
            ("*.safetensors!consolidated*", "*.bin"),
            "model.safetensors.index.json",
        ),
    ),
    autoscaling=AutoscalingPlan(
        kind=ScalerKind.HPA,
        min_replicas=1,
        max_replicas=3,
        metrics=(DEMAND, QUEUE_DEPTH),
        scale_up=ScalingRulePlan(0, 4, 15, 100),
        scale_down=ScalingRulePlan(600, 1, 120),
        recordings=(
            RecordingRulePlan("vllm_on_eks:demand:replicas", "vector(1)", {"namespace": "models", "service": "llama"}),
        ),
    ),
    max_unavailable=1,
    client_namespaces=("chat",),
    monitoring_namespace="monitoring",
    scrape_interval_seconds=15,
    rollout_timeout_seconds=1800,
    download_timeout_seconds=1200,
    memory=None,
    cold_start=(),
)

# A model on a volume, with a Secret that somebody else makes, nobody watching, room for a surge, nothing to sleep for.
VOLUME_MODEL = replace(
    MODEL,
    name="qwen",
    model_id="Qwen/Qwen2.5-72B-Instruct",
    revision="495f39366efef23836d0cfae4fbe635880d2be31",
    served_name="Qwen/Qwen2.5-72B-Instruct",
    image="vllm/vllm-openai:v0.33.0@sha256:" + "ab" * 32,
    args=("Qwen/Qwen2.5-72B-Instruct", "--tensor-parallel-size=4"),
    env={},
    pool="big",
    node_selector={"vllm-on-eks/pool": "big"},
    resources=PodResources("40", "150Gi", "30Gi", "16Gi", 4),
    token=TokenPlan("existing-token", "hf", None),
    cache=CachePlan("persistentVolume", 200, "efs", "ReadWriteMany"),
    repositories=(
        RepositoryPlan(
            "Qwen/Qwen2.5-72B-Instruct", "495f39366efef23836d0cfae4fbe635880d2be31", ("consolidated*.safetensors",)
        ),
    ),
    drain=DrainPlan(0, 120, 135),
    client_namespaces=(),
    monitoring_namespace=None,
    autoscaling=replace(MODEL.autoscaling, metrics=(QUEUE_DEPTH,), recordings=()),
    max_surge=1,
)

# No token, no clients, emptyDir: the smallest model.
OPEN_MODEL = replace(MODEL, name="smollm", token=None, client_namespaces=(), env={})
# Beside a server whose cores are not its own.
SIDECAR = PodResources("20m", "128Mi", "64Mi", None, 0, "1")

# Scaled by KEDA between zero and three replicas, woken by a gateway, more of them in office hours.
KEDA_MODEL = replace(
    OPEN_MODEL,
    name="phi",
    autoscaling=replace(
        MODEL.autoscaling,
        kind=ScalerKind.KEDA,
        min_replicas=0,
        schedules=(SchedulePlan("Europe/Berlin", "0 8 * * 1-5", "0 18 * * 1-5", 2),),
        zero=ZeroPlan(
            wake_query='sum(gateway_requests_waiting{service="phi"})',
            wake_target=32.0,
            busy_query='sum(vllm:num_requests_running{namespace="models",job="models/phi"})',
            busy_target=64.0,
            idle_seconds=600,
        ),
    ),
)

# Two replicas, and nobody who changes that.
FIXED_MODEL = replace(
    OPEN_MODEL,
    name="fixed",
    autoscaling=AutoscalingPlan(ScalerKind.NONE, 2, 2, (), ScalingRulePlan(0, 2, 60), ScalingRulePlan(300, 1, 120)),
)

# Its changes are canaries of two steps.
_NEW = 'job="models/careful",pod=~"careful-{{args.hash}}-.*"'
CANARY_MODEL = replace(
    OPEN_MODEL,
    name="careful",
    deployment_suffix=None,
    operators=("argo-rollouts",),
    canary=CanaryPlan(
        steps=(CanaryStepPlan(20, 600, 9, 4), CanaryStepPlan(50, 600, 9, 4)),
        metrics=(
            CanaryMetricPlan(
                "time-to-first-token",
                f"histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{{{_NEW}}}[2m])))",
                2.0,
                "test",
            ),
        ),
        interval_seconds=60,
        delay_seconds=120,
        tolerated=1,
    ),
)

# Each replica is two pods of four GPUs each.
GROUP_MODEL = replace(
    OPEN_MODEL,
    name="grouped",
    deployment_suffix=None,
    operators=("lws",),
    pod_names="grouped-group-[0-9]+",
    resources=replace(OPEN_MODEL.resources, gpus=4),
    max_unavailable=2,
    group=GroupPlan(
        name="grouped-group",
        pods=2,
        leader_args=("--nnodes=2", "--master-port=29501", "--node-rank=0", "--master-addr=$(VLLM_HOST_IP)"),
        worker_args=(
            "--nnodes=2",
            "--master-port=29501",
            "--node-rank=$(LWS_WORKER_INDEX)",
            "--master-addr=$(LWS_LEADER_ADDRESS)",
            "--headless",
        ),
        rendezvous_port=29501,
        ports=(1024, 65535),
        network_gbps=40,
        leave_seconds=135,
    ),
)

CLUSTER_AUTOSCALER = ClusterAutoscalerPlan(
    chart=ChartRef("cluster-autoscaler", "9.59.0", "https://kubernetes.github.io/autoscaler"),
    namespace="kube-system",
    image_tag="v1.35.1",
    cluster_name="main",
    region="us-west-2",
    node_groups_arn="arn:aws:eks:us-west-2:*:nodegroup/main/*/*",
    arguments={
        "expander": "least-waste",
        "balance-similar-node-groups": True,
        "skip-nodes-with-system-pods": False,
        "scale-down-unneeded-time": "300s",
        "scale-down-delay-after-add": "300s",
    },
    node_selector={"vllm-on-eks/pool": "system"},
    monitoring_namespace="monitoring",
    scrape_interval_seconds=15,
    mirror=None,
)

KARPENTER = KarpenterPlan(
    chart=ChartRef("oci://public.ecr.aws/karpenter/karpenter", "1.14.1", None),
    crd_chart=ChartRef("oci://public.ecr.aws/karpenter/karpenter-crd", "1.14.1", None),
    namespace="kube-system",
    cluster_name="main",
    region="us-west-2",
    partition="aws",
    replicas=2,
    spot=True,
    node_selector={"vllm-on-eks/pool": "system"},
    monitoring_namespace="monitoring",
    scrape_interval_seconds=15,
    mirror=None,
)
KARPENTER_NODES = NodeGroupPlan(
    name="l4",
    instance_types=("g6.xlarge", "g6.2xlarge"),
    capacity_type="ON_DEMAND",
    ami_type="AL2023_x86_64_NVIDIA",
    ami_release_version="1.35.4-20260505",
    min_nodes=1,
    desired_nodes=1,
    max_nodes=4,
    disk_gib=200,
    disk_throughput_mibps=500,
    disk_iops=3000,
    zones=("us-west-2a", "us-west-2b"),
    labels={"accelerator": "nvidia", "gpu-type": "l4", "vllm-on-eks/pool": "l4"},
    taints=(TaintPlan("nvidia.com/gpu", "present", "NoSchedule"), TaintPlan("team", "search", "NoExecute")),
    node_repair=False,
    gpu="l4",
    gpus_per_node=1,
    update_strategy="MINIMAL",
    karpenter=KarpenterNodesPlan(
        capacity_types=("reserved", "spot", "on-demand"),
        capacity_reservation_ids=("cr-0123456789abcdef0",),
        ami_alias="al2023@v20260505",
        architecture="amd64",
        instance_store="RAID0",
        consolidate_after_seconds=300,
        expire_after_hours=720,
        replaced_at_once=1,
        termination_grace_seconds=1020,
    ),
)

SECRET_KEY = "arn:aws:kms:us-west-2:111122223333:key/0aa0aa00-1111-2222-3333-444455556666"
EXTERNAL_SECRETS = ExternalSecretsPlan(
    chart=ChartRef("external-secrets", "2.9.0", "https://charts.external-secrets.io"),
    namespace="external-secrets",
    install=True,
    cluster_name="main",
    region="us-west-2",
    partition="aws",
    secrets=(ReadSecretPlan("dev/hf"), ReadSecretPlan("prod/huggingface", SECRET_KEY)),
    stores=("models",),
    scrape_interval_seconds=15,
    mirror=None,
)
LOAD_BALANCER_CONTROLLER = LoadBalancerControllerPlan(
    chart=ChartRef("aws-load-balancer-controller", "3.5.0", "https://aws.github.io/eks-charts"),
    namespace="load-balancers",
    cluster_name="main",
    region="us-west-2",
    partition="aws",
    replicas=2,
    ingress_class="alb",
    gateway_namespace="gateway",
    tags={"team": "platform"},
    scrape_interval_seconds=15,
    mirror=None,
)
# A model whose token is one key of a JSON secret in Secrets Manager.
EXTERNAL_MODEL = replace(
    MODEL,
    name="gemma",
    token=TokenPlan("gemma-hf-1a2b3c4d", "token", None, RemoteTokenPlan("prod/huggingface", "hf.token", 90)),
)

KEDA = KedaPlan(ChartRef("keda", "2.20.2", "https://kedacore.github.io/charts"), "keda", True, None)
TEMPLATE_MODEL = replace(
    OPEN_MODEL,
    name="templated",
    args=(*OPEN_MODEL.args, "--chat-template=/etc/vllm/chat-template/template.jinja"),
    chat_template="{% for message in messages %}\n{{ message.content }}\n{% endfor %}\n",
)


BUCKET = BucketPlan(
    uri="s3://acme-weights/llama/0e9e39f249a16976918f6564b8830bc894c89659",
    bucket="acme-weights",
    prefix="llama/0e9e39f249a16976918f6564b8830bc894c89659",
    region="us-west-2",
    partition="aws",
    kms_key_arn=SECRET_KEY,
    streamed=False,
    weights=("*.safetensors!consolidated*", "*.bin"),
    index="model.safetensors.index.json",
)
BUCKET_MODEL = replace(
    MODEL,
    name="bucket",
    source=BUCKET,
    repositories=(),
    token=None,
    args=(f"/cache/s3/{BUCKET.bucket}/{BUCKET.prefix}", "--served-model-name=llama-3.1-8b", "--max-model-len=8192"),
)
BUCKET_VOLUME_MODEL = replace(BUCKET_MODEL, name="bucket-volume", cache=VOLUME_MODEL.cache)
STREAM_MODEL = replace(
    BUCKET_MODEL,
    name="stream",
    source=replace(BUCKET, streamed=True),
    cache=CachePlan("stream", 0),
    args=(BUCKET.uri, "--load-format=runai_streamer", "--served-model-name=llama-3.1-8b"),
)
CLAIM_MODEL = replace(
    OPEN_MODEL,
    name="claim",
    source=ClaimPlan("pvc://weights/llama", "weights", "llama"),
    repositories=(),
    cache=CachePlan("claim", 0),
)
IMAGE_REFERENCE = "111122223333.dkr.ecr.us-west-2.amazonaws.com/weights/llama@sha256:" + "cd" * 32
IMAGE_MODEL = replace(
    CLAIM_MODEL,
    name="image",
    source=ImagePlan(f"oci://{IMAGE_REFERENCE}", IMAGE_REFERENCE, ""),
    cache=CachePlan("image", 0),
)
SOURCE_MODELS = (BUCKET_MODEL, BUCKET_VOLUME_MODEL, STREAM_MODEL, CLAIM_MODEL, IMAGE_MODEL)

ROUTER = RouterPlan(
    chart=ChartRef("vllm-stack", "0.1.12", "https://vllm-project.github.io/production-stack"),
    repository="lmcache/lmstack-router",
    tag="v0.1.12",
    replicas=2,
    resources=PodResources("400m", "1000Mi", "1Gi", None, 0),
    logic="prefixaware",
    api_server_ranges=("10.0.0.0/16", "172.20.0.0/16"),
)


RAY = RayPlan(
    version="2.56.0",
    head=PodResources("1", "4Gi", "10Gi", None, 0),
    autoscaler_cpu="200m",
    autoscaler_memory="512Mi",
    operator_namespace="kuberay",
    worker_cpus=4,
    ingress_cpus=0.5,
    most_ingress_replicas=8,
    idle_seconds=60,
    leaving_seconds=315,
    old_cluster_seconds=315,
    api_server_ranges=("10.0.0.0/16", "172.20.0.0/16"),
)


PICKER = PickerPlan(
    image="ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0",
    resources=PodResources("1", "2Gi", "1Gi", None, 0),
    gateway="inference-gateway",
    gateway_namespace="gateways",
    failure_mode="FailOpen",
    request_timeout_seconds=600,
    scorers={"queue-scorer": 2, "kv-cache-utilization-scorer": 2, "prefix-cache-scorer": 3},
    grace_seconds=130,
    api_server_ranges=("10.0.0.0/16", "172.20.0.0/16"),
)


# Backend kubeai has no other: weights come by a claim that our Job fills.
WITH_A_JOB = CachePlan("persistentVolume", 200, "efs", "ReadWriteMany")


def _ray(model: ServedModel) -> RayPlan:
    leaving = model.drain.pre_stop_seconds + model.drain.shutdown_timeout_seconds
    ingress = 2 * model.autoscaling.max_replicas
    seconds = {"leaving_seconds": leaving, "old_cluster_seconds": max(60, leaving)}
    return replace(RAY, most_ingress_replicas=ingress, renewed=model.autoscaling.min_replicas == 1, **seconds)


def on(model: ServedModel, backend: str) -> ServedModel:
    """The model on another backend, as the plan says it."""
    row = backends()[backend]
    engine = ENGINES[row.engine]
    least = 0 if features()["zero"][backend].does == YES else 1
    scaled = model.autoscaling if row.scaler == OURS or model.autoscaling.fixed_replicas else _theirs(model, least)
    return replace(
        model,
        backend=backend,
        deployment_suffix=row.deployment_of("") if row.deployment else None,
        pod_names=row.pods_of(model.name),
        pod_selector=dict(row.labels),
        api_path=row.path,
        metrics_port=row.metrics_port,
        metrics_prefix=row.metrics_prefix,
        user_id=engine.user_id,
        group_id=engine.group_id,
        image=model.image if engine.vllm is None else f"{engine.image.repository}:{engine.image.tag}",
        vllm_version=engine.vllm or model.vllm_version,
        operators=row.operators,
        router=ROUTER if row.router else None,
        ray=_ray(model) if backend == "ray" else None,
        picker=PICKER if backend == "llm-d" else None,
        kubeai=KubeaiModelPlan(model.name, "PrefixHash", 100, target_requests(scaled)) if backend == "kubeai" else None,
        cache=WITH_A_JOB if backend == "kubeai" else model.cache,
        autoscaling=scaled,
    )


def _theirs(model: ServedModel, least: int) -> AutoscalingPlan:
    plan = model.autoscaling
    up = ScalingRulePlan(30, 2, 60)
    return AutoscalingPlan(
        ScalerKind.BACKEND, max(least, plan.min_replicas), plan.max_replicas, (IN_FLIGHT,), up, plan.scale_down
    )


CERT_MANAGER = OperatorPlan(
    name="cert-manager",
    setting="certManager.namespace",
    charts={"cert-manager": ChartRef("cert-manager", "v1.21.1", "https://charts.jetstack.io")},
    namespace="cert-manager",
    install=True,
    webhook_ports=(10250,),
    mirror=None,
)
KSERVE = OperatorPlan(
    name="kserve",
    setting="kserve.namespace",
    charts={
        name: ChartRef(f"oci://ghcr.io/kserve/charts/{name}", "v0.20.0", None)
        for name in ("kserve-crd", "kserve-resources")
    },
    namespace="kserve",
    install=True,
    webhook_ports=(9443,),
    mirror=None,
)
ENVOY_GATEWAY = OperatorPlan(
    name="envoy-gateway",
    setting="gateway.namespace",
    charts={"gateway-helm": ChartRef("oci://docker.io/envoyproxy/gateway-helm", "v1.9.0", None)},
    namespace="gateway",
    install=True,
    webhook_ports=(9443,),
    mirror=None,
)
KUBERAY = OperatorPlan(
    name="kuberay",
    resources=operator_resources("kuberay"),
    setting="kuberay.namespace",
    charts={"kuberay-operator": ChartRef("kuberay-operator", "1.7.0", "https://ray-project.github.io/kuberay-helm")},
    namespace="kuberay",
    install=True,
    webhook_ports=(),
    mirror=None,
    pod_ports=(8265, 8000),
)
KUBEAI = OperatorPlan(
    name="kubeai",
    setting="models[].namespace",
    charts={"kubeai": ChartRef("kubeai", "0.21.0", "https://www.kubeai.org")},
    namespace="models",
    install=True,
    webhook_ports=(),
    mirror=None,
    pod_ports=(8000,),
    kubeai=KubeaiPlan(
        replicas=2,
        resources=PodResources("200m", "512Mi", "1Gi", None, 0),
        interval_seconds=10,
        window_seconds=30,
        surge=0,
        drain=DrainPlan(15, 120, 150),
        profiles=tuple(
            ResourceProfilePlan(
                each.name, each.name, each.resources, each.node_selector, each.taints, each.name == MODEL.name
            )
            for each in (MODEL, VOLUME_MODEL)
        ),
        client_namespaces=("models", "apps"),
        pull_secrets=("registry",),
        user_id=10001,
        group_id=10001,
    ),
)
LWS = OperatorPlan(
    name="lws",
    setting="leaderWorkerSet.namespace",
    charts={"lws": ChartRef("oci://registry.k8s.io/lws/charts/lws", "0.7.0", None)},
    namespace="lws-system",
    install=True,
    webhook_ports=(9443,),
    mirror=None,
    network=AddonNetworkPlan(),
    resources=operator_resources("lws"),
)
ARGO_ROLLOUTS = OperatorPlan(
    name="argo-rollouts",
    resources=operator_resources("argo-rollouts"),
    setting="argoRollouts.namespace",
    charts={"argo-rollouts": ChartRef("argo-rollouts", "2.41.0", "https://argoproj.github.io/argo-helm")},
    namespace="argo-rollouts",
    install=True,
    webhook_ports=(),
    mirror=None,
    network=AddonNetworkPlan(monitoring_namespace="monitoring"),
    metrics_ports=(8090,),
    asks_prometheus=True,
)
TRACING = TracingPlan(
    namespace="tracing",
    model_namespaces=("models",),
    sampling_percent=5.0,
    export_url="https://otlp.acme.dev:4317",
    export_host="otlp.acme.dev",
    export_port=4317,
    export_namespace=None,
    protocol="grpc",
    encrypted=True,
    headers_secret="otlp",
)
COLLECTOR = OperatorPlan(
    name="opentelemetry-collector",
    resources=operator_resources("opentelemetry-collector"),
    setting="tracing.namespace",
    charts={
        "opentelemetry-collector": ChartRef(
            "opentelemetry-collector", "0.170.0", "https://open-telemetry.github.io/opentelemetry-helm-charts"
        )
    },
    namespace="tracing",
    install=True,
    webhook_ports=(),
    mirror=None,
    tracing=TRACING,
)
OPEN_COST = OperatorPlan(
    name="opencost",
    resources=operator_resources("opencost"),
    setting="openCost.namespace",
    charts={"opencost": ChartRef("opencost", "2.5.17", "https://opencost.github.io/opencost-helm-chart")},
    namespace="opencost",
    install=True,
    webhook_ports=(),
    mirror=None,
    network=AddonNetworkPlan(monitoring_namespace="monitoring"),
    metrics_ports=(9003,),
    asks_prometheus=True,
    open_cost=OpenCostPlan(
        prometheus_url="http://kube-prometheus-stack-prometheus.monitoring.svc:9090",
        cluster="dev",
        cpu_usd_per_hour=0.0328,
        memory_usd_per_gib_hour=0.0044,
        gpu_usd_per_hour=0.5753,
        storage_usd_per_gib_hour=0.0001,
        scrape_interval_seconds=15,
    ),
)
OPERATORS = (CERT_MANAGER, KSERVE, ENVOY_GATEWAY, KUBERAY, KUBEAI, ARGO_ROLLOUTS, LWS, COLLECTOR, OPEN_COST)
