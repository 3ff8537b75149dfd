"""Small gaps of moto outside EKS: what EC2 and IAM do there differs from AWS, or is missing."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response
from moto.iam.responses import IamResponse
from moto.logs.models import LogsBackend
from moto.sts.models import STSBackend
from moto.utilities.utils import get_partition

from local.aws_endpoint.contract.account import current


def install() -> None:
    """Patches moto's classes; once per process."""
    _free_address_with_nat_gateway()
    _name_the_caller()
    _know_govcloud()
    _forget_tags_of_log_groups()
    SecurityGroupRule.description = property(_description)
    EC2Response.describe_capacity_reservations = _describe_capacity_reservations
    IamResponse.list_instance_profiles = _list_instance_profiles
    IamResponse.add_client_id_to_open_id_connect_provider = _add_client_id
    IamResponse.remove_client_id_from_open_id_connect_provider = _remove_client_id


def _description(rule: SecurityGroupRule) -> str | None:
    """Of whatever the rule names (API_SecurityGroupRule: Description); moto tells it of address ranges only."""
    return next((end["Description"] for end in (rule.ip_range, rule.source_group) if end.get("Description")), None)


def _describe_capacity_reservations(response: EC2Response) -> ActionResult:
    """Those of the played account (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html);
    moto has none, and the program makes none."""
    ids = response._get_param("CapacityReservationIds", [])
    known = {reservation["CapacityReservationId"]: reservation for reservation in current().reservations}
    missing = [id_ for id_ in ids if id_ not in known]
    if missing:
        said = f"The capacity reservation IDs '{', '.join(missing)}' do not exist"
        raise EC2ClientError("InvalidCapacityReservationId.NotFound", said)
    return ActionResult({"CapacityReservations": [known[id_] for id_ in ids or known]})


def _list_instance_profiles(response: Any) -> ActionResult:
    """Those below a path: to moto all are, and Karpenter deletes what it finds below its own."""
    prefix = response._get_param("PathPrefix", "/")
    profiles = [
        profile for profile in response.backend.get_instance_profiles() if (profile.path or "/").startswith(prefix)
    ]
    return ActionResult({"InstanceProfiles": profiles})


def _forget_tags_of_log_groups() -> None:
    """moto keeps the tags of a deleted group by its ARN, and gives them to the next group of that name."""
    original = LogsBackend.delete_log_group

    def delete_log_group(self: Any, log_group_name: str) -> None:
        arn = self.groups[log_group_name].arn if log_group_name in self.groups else None
        original(self, log_group_name)
        self.tagger.delete_all_tags_for_resource(arn)

    LogsBackend.delete_log_group = delete_log_group


def _know_govcloud() -> None:
    """IAM of GovCloud is at iam.us-gov.amazonaws.com: no region, and moto takes it for one of the partition `aws`."""
    original = BaseResponse.get_region_from_url

    def get_region_from_url(self: Any, request: Any, full_url: str) -> str:
        region: str = original(self, request, full_url)
        return "us-gov-west-1" if region == "us-gov" else region

    BaseResponse.get_region_from_url = get_region_from_url


def _name_the_caller() -> None:
    """moto's caller is `sts:user/moto`, an ARN that does not exist: ours is a session of the account's caller."""
    original = STSBackend.get_caller_identity

    def get_caller_identity(self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        user_id, arn, account_id = original(self, access_key_id, region)
        if not arn.endswith(":user/moto"):
            return user_id, arn, account_id
        caller = current().caller.replace("arn:aws:", f"arn:{get_partition(region)}:", 1)
        session = caller.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
        return user_id, f"{session}/local" if ":role/" in caller else caller, account_id

    STSBackend.get_caller_identity = get_caller_identity


def _free_address_with_nat_gateway() -> None:
    """AWS disassociates the elastic IP of a deleted NAT gateway and deletes its network interface; moto keeps both."""
    original = EC2Backend.delete_nat_gateway

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = original(self, nat_gateway_id)
        for address in list(self.addresses):
            if address.eni is not None and address.eni.id == gateway._eni.id:
                self.disassociate_address(address=address.public_ip)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    EC2Backend.delete_nat_gateway = delete_nat_gateway


def _client_ids(response: Any) -> tuple[list[str], str]:
    provider = response.backend.get_open_id_connect_provider(response._get_param("OpenIDConnectProviderArn"))
    return provider.client_id_list, response._get_param("ClientID")


def _add_client_id(response: Any) -> ActionResult:
    known, client_id = _client_ids(response)
    if client_id not in known:
        known.append(client_id)
    return EmptyResult()


def _remove_client_id(response: Any) -> ActionResult:
    known, client_id = _client_ids(response)
    if client_id in known:
        known.remove(client_id)
    return EmptyResult()
