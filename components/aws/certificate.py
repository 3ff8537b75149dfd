"""`HostCertificate`: TLS for the gateway's host by AWS Certificate Manager, with the record that proves the host."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.tags import named
from planning.model import NewCertificatePlan, Tags


@dataclass(frozen=True)
class HostCertificateArgs:
    """`tags`: the stack's."""

    plan: NewCertificatePlan
    tags: Tags


class HostCertificate(pulumi.ComponentResource):
    """Certificate, record and the wait for ACM, minutes in which it asks the zone's name servers.

    `arn` is known once it is issued: a load balancer takes no other. The record stays, for ACM asks for it again at
    each renewal. Another host is another certificate, which is there before the old one goes: one in use cannot go.
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: HostCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("vllm-on-eks:index:HostCertificate", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        # ACM's own choice of a key: RSA of 2048 bits, which every client knows.
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=plan.host,
            validation_method="DNS",
            tags=named(args.tags, f"{name}-certificate"),
            opts=child,
        )
        proof = certificate.domain_validation_options[0]  # of the one name
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=plan.hosted_zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=plan.record_ttl_seconds,
            # ACM asks the same of each certificate of a host in an account: what is there already says the same.
            allow_overwrite=True,
            opts=child,
        )
        validation = aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=child,
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})
