"""Examples of IAM, KMS and logs."""

from __future__ import annotations

from tests.local.aws.needs import KEY, ROLE, Case, policy, trust

CASES: tuple[Case, ...] = (
    Case(
        "aws:iam/role:Role",
        {
            "assumeRolePolicy": trust("ec2.amazonaws.com"),
            "description": "nodes",
            "tags": {"a": "1", "b": "2"},
            "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"],
        },
        update={
            "assumeRolePolicy": trust("pods.eks.amazonaws.com"),
            "description": None,
            "maxSessionDuration": 7200,
            "tags": {"b": "3"},
            "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"],
        },
        replace={"path": "/nodes/"},
        outputs=("arn", "uniqueId", "createDate", "name"),
        not_imported=("managedPolicyArns",),
    ),
    Case(
        "aws:iam/policy:Policy",
        {"policy": policy("s3:GetObject")},
        update={"policy": policy("s3:PutObject"), "tags": {"a": "1"}},
        replace={"description": "another"},
        outputs=("arn", "policyId", "name"),
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        {"role": "$role.name", "policy": policy("s3:GetObject")},
        needs=(ROLE,),
        update={"policy": policy("s3:PutObject")},
        replace={"name": "another"},
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"role": "$role.name", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"},
        needs=(ROLE,),
        replace={"policyArn": "arn:aws:iam::aws:policy/AmazonEKSVPCResourceController"},
    ),
    Case(
        "aws:iam/instanceProfile:InstanceProfile",
        {"role": "$role.name"},
        needs=(ROLE,),
        update={"role": None, "tags": {"a": "1"}},
        replace={"path": "/x/"},
        outputs=("arn", "uniqueId"),
    ),
    Case(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        {
            "url": "https://oidc.eks.us-west-2.amazonaws.com/id/ABC",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"],
        },
        update={"clientIdLists": ["other"], "tags": {"a": "1"}},
        replace={"url": "https://oidc.eks.us-west-2.amazonaws.com/id/DEF"},
        outputs=("arn",),
    ),
    Case(
        "aws:kms/key:Key",
        {"description": "secrets", "enableKeyRotation": True, "deletionWindowInDays": 7},
        update={"description": "other", "enableKeyRotation": False, "tags": {"a": "1"}},
        replace={"multiRegion": True},
        outputs=("arn", "keyId", "policy"),
    ),
    Case(
        "aws:kms/alias:Alias",
        {"name": "alias/one", "targetKeyId": "$key.keyId"},
        needs=(KEY, ("key2", "aws:kms/key:Key", {})),
        update={"targetKeyId": "$key2.keyId"},
        replace={"name": "alias/two"},
        outputs=("arn", "targetKeyArn"),
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        {"name": "/aws/eks/x/cluster", "retentionInDays": 30, "tags": {"a": "1"}},
        update={"retentionInDays": None, "tags": {"b": "1"}},
        replace={"name": "/aws/eks/y/cluster"},
        outputs=("arn",),
    ),
)
