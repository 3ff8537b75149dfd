"""Launch templates. Service: ec2."""

from __future__ import annotations

from local.providers.aws import checks_compute, hooks
from local.providers.aws.table import Call, Row, Tagging, UpdateCall

# What goes into LaunchTemplateData, and so into a new version when it changes.
DATA_PROPS = (
    "blockDeviceMappings",
    "capacityReservationSpecification",
    "cpuOptions",
    "creditSpecification",
    "disableApiStop",
    "disableApiTermination",
    "ebsOptimized",
    "iamInstanceProfile",
    "imageId",
    "instanceInitiatedShutdownBehavior",
    "instanceMarketOptions",
    "instanceType",
    "kernelId",
    "keyName",
    "metadataOptions",
    "monitoring",
    "networkInterfaces",
    "placement",
    "ramDiskId",
    "securityGroupNames",
    "tagSpecifications",
    "userData",
    "vpcSecurityGroupIds",
)

LAUNCH_TEMPLATE = Row(
    token="aws:ec2/launchTemplate:LaunchTemplate",
    service="ec2",
    create=Call("create_launch_template"),
    id="LaunchTemplate.LaunchTemplateId",
    read=Call("describe_launch_templates", {"LaunchTemplateIds": ["$id"]}, "LaunchTemplates[0]"),
    delete=(Call("delete_launch_template", {"LaunchTemplateId": "$id"}),),
    wrap="LaunchTemplateData",
    name_prop="name",
    names={
        "name": "LaunchTemplateName",
        "description": "VersionDescription",
        "updateDefaultVersion": None,
        "defaultVersion": None,
        "vpcSecurityGroupIds": "SecurityGroupIds",
        "securityGroupNames": "SecurityGroups",
        "networkInterfaces.securityGroups": "Groups",
    },
    live={"name": "LaunchTemplateName", "latestVersion": "LatestVersionNumber"},
    changes=(
        UpdateCall(
            ("description", *DATA_PROPS),
            Call("create_launch_template_version", {"LaunchTemplateId": "$id"}),
            together=True,
        ),
    ),
    recomputed=("latestVersion", "defaultVersion"),
    updatable=("updateDefaultVersion", "defaultVersion"),
    unread=("updateDefaultVersion",),
    on_update=hooks.set_default_version,
    observe=hooks.observe_launch_template,
    tagging=Tagging(
        {"Resources": ["$id"]},
        "TagSpecifications:launch-template",
        "create_tags",
        "delete_tags",
        # moto shows only the tags of creation in DescribeLaunchTemplates.
        read=Call("describe_tags", {"Filters": [{"Name": "resource-id", "Values": ["$id"]}]}, "Tags"),
    ),
    out={"arn": "arn:{partition}:ec2:{region}:{account}:launch-template/{id}"},
    checks=(checks_compute.launch_template,),
)

ROWS = (LAUNCH_TEMPLATE,)
