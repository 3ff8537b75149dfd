"""Small gaps of moto outside EKS: what EC2 and IAM do there differs from AWS, or is missing."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import EC2Backend
from moto.iam.responses import IamResponse


def install() -> None:
    """Patches moto's classes; once per process."""
    _free_address_with_nat_gateway()
    IamResponse.add_client_id_to_open_id_connect_provider = _add_client_id
    IamResponse.remove_client_id_from_open_id_connect_provider = _remove_client_id


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
