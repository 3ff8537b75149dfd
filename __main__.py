"""The architecture on one screen: settings → plan → components → outputs."""

import pulumi
import pulumi_aws as aws

from components.aws.beside import beside
from components.aws.eks_cluster import cluster
from components.aws.gpu_node_group import GpuNodeGroup, GpuNodeGroupArgs
from components.aws.kubeconfig import kubernetes_provider
from components.aws.network import network
from components.aws.node_group import NodeGroup, NodeGroupArgs, node_role
from components.cluster.late_addons import late_addons
from components.cluster_services import ClusterServices, ClusterServicesArgs
from components.serving import serve
from planning.decide import decide
from planning.model import PlanRefused
from preflight.program import checked
from settings.last_resort import last_resort
from settings.load import load, load_secrets

with last_resort(f"Pulumi.{pulumi.get_stack()}.yaml", passing=(pulumi.RunError,)):
    # What is asked, what is decided, what AWS says to it. A stack that cannot work ends here, with every reason.
    loaded = load()
    try:
        plan = checked(decide(loaded))
    except PlanRefused as refusal:
        raise pulumi.RunError(str(refusal)) from None
    secrets = load_secrets(loaded)
    for finding in plan.findings:
        pulumi.log.warn(str(finding))

    # AWS: a network, a control plane, and nodes.
    pin = [plan.account.id] if plan.account.id else None  # of commands that run no program, too: destroy, refresh
    cloud = aws.Provider("aws", region=plan.region, allowed_account_ids=pin)
    on_aws = pulumi.ResourceOptions(providers=[cloud])
    where = {"region": plan.region, "tags": plan.tags, "provider": cloud}
    net = network("network", plan.network, cluster_name=plan.cluster.name, **where)
    eks = cluster("cluster", plan.cluster, subnet_ids=net.private_subnet_ids(), **where)
    more = beside(plan, secrets, eks, net, on_aws)
    role = node_role("node-role", plan.cluster, plan.tags, on_aws, plan.pull_through)
    system = NodeGroup("system", NodeGroupArgs(plan.system_nodes, eks, net, role.arn, plan.tags), on_aws)
    addons = late_addons(plan.cluster, eks, system.cluster_name, plan.tags, on_aws)
    pools = {
        pool.name: GpuNodeGroup(pool.name, GpuNodeGroupArgs(pool, eks, net, role.arn, plan.tags), on_aws)
        for pool in plan.node_groups
    }

    # Inside the cluster: what every model needs, then the models.
    inside = kubernetes_provider("kubernetes", eks.kubeconfig, [*eks.access, system, addons, *more.image_rules])
    in_cluster = pulumi.ResourceOptions(providers=[cloud, inside])
    shared = ClusterServicesArgs(plan, pools, secrets, eks, net, role.arn, more)
    services = ClusterServices("services", shared, in_cluster)
    served = [serve(model, services.wiring, in_cluster) for model in plan.models]

    pulumi.export("cluster", eks.name)
    pulumi.export("kubeconfig", eks.kubeconfig)
    pulumi.export("models", {model.name: {"name": model.served_name, "url": model.url} for model in served})
    pulumi.export("prometheus", services.prometheus_url)
    pulumi.export("usdPerHour", {"min": plan.cost.min_usd_per_hour, "max": plan.cost.max_usd_per_hour})
