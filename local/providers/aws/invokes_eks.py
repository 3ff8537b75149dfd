"""Functions of the SDK that ask EKS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.providers.aws.answers import Answer, answer_of
from local.providers.aws.cloud import Cloud
from local.providers.rpc import ProviderError


def _eks_cluster(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    live = cloud.call("eks", "describe_cluster", {"name": args["name"]}, args.get("region"))["cluster"]
    paths = {
        "vpcConfig": "resourcesVpcConfig",
        "enabledClusterLogTypes": "logging.clusterLogging[?enabled].types[]",
        "identities": "[{oidcs: [identity.oidc]}]",
    }
    return {**answer_of("aws:eks/getCluster:getCluster", live, args, paths), "id": live["name"]}


def _eks_clusters(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    pages = cloud.client("eks", args.get("region")).get_paginator("list_clusters").paginate()
    return {"id": cloud.region, "names": [name for page in pages for name in page["clusters"]]}


def _eks_node_groups(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    paginator = cloud.client("eks", args.get("region")).get_paginator("list_nodegroups")
    pages = paginator.paginate(clusterName=args["clusterName"])
    return {**args, "id": args["clusterName"], "names": [name for page in pages for name in page["nodegroups"]]}


def _eks_node_group(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    params = {"clusterName": args["clusterName"], "nodegroupName": args["nodeGroupName"]}
    live = cloud.call("eks", "describe_nodegroup", params, args.get("region"))["nodegroup"]
    paths = {
        "arn": "nodegroupArn",
        "nodeRoleArn": "nodeRole",
        "subnetIds": "subnets",
        "scalingConfigs": "[scalingConfig]",
    }
    answer = answer_of("aws:eks/getNodeGroup:getNodeGroup", live, args, paths)
    return {**answer, "id": f"{args['clusterName']}:{args['nodeGroupName']}"}


def _eks_access_entry(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    """Raises what EKS says where the principal has none: the provider has no answer for that either."""
    params = {"clusterName": args["clusterName"], "principalArn": args["principalArn"]}
    live = cloud.call("eks", "describe_access_entry", params, args.get("region"))["accessEntry"]
    answer = answer_of("aws:eks/getAccessEntry:getAccessEntry", live, args, {"userName": "username"})
    return {**answer, "tagsAll": answer["tags"], "id": f"{args['clusterName']}:{args['principalArn']}"}


def _eks_cluster_auth(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    """A presigned GetCallerIdentity, as `aws eks get-token` makes it."""
    import base64

    from botocore.signers import RequestSigner

    region = args.get("region") or cloud.region
    client = cloud.client("sts", region)
    signer = RequestSigner(
        client.meta.service_model.service_id,
        region,
        "sts",
        "v4",
        client._request_signer._credentials,
        client.meta.events,
    )
    request = {
        "method": "GET",
        "url": f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": args["name"]},
        "context": {},
    }
    url = signer.generate_presigned_url(request, region_name=region, expires_in=60, operation_name="")
    text = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
    return {"id": args["name"], "name": args["name"], "token": f"k8s-aws-v1.{text}"}


def _addon_version(cloud: Cloud, args: Mapping[str, Any]) -> Answer:
    params = {"addonName": args["addonName"], "kubernetesVersion": args["kubernetesVersion"]}
    addons = cloud.call("eks", "describe_addon_versions", params, args.get("region"))["addons"]
    if not addons or not addons[0]["addonVersions"]:
        raise ProviderError(f"no version of add-on {args['addonName']} for {args['kubernetesVersion']}")
    versions = addons[0]["addonVersions"]
    chosen = versions[0]
    if not args.get("mostRecent"):
        defaults = [v for v in versions if any(c["defaultVersion"] for c in v["compatibilities"])]
        chosen = defaults[0] if defaults else chosen
    return {**args, "id": args["addonName"], "version": chosen["addonVersion"]}


EKS: dict[str, Callable[[Cloud, Mapping[str, Any]], Answer]] = {
    "aws:eks/getCluster:getCluster": _eks_cluster,
    "aws:eks/getClusters:getClusters": _eks_clusters,
    "aws:eks/getAccessEntry:getAccessEntry": _eks_access_entry,
    "aws:eks/getNodeGroups:getNodeGroups": _eks_node_groups,
    "aws:eks/getNodeGroup:getNodeGroup": _eks_node_group,
    "aws:eks/getClusterAuth:getClusterAuth": _eks_cluster_auth,
    "aws:eks/getAddonVersion:getAddonVersion": _addon_version,
}
