"""The file system of models with cache.kind efs: one for the stack, made by it or there before."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from settings.findings import WrongValue
from settings.names import FileSystemId, KmsKeyArn, SubnetId
from settings.types import Section, Zone, described, kind_defaults_to

# https://docs.aws.amazon.com/efs/latest/ug/API_UpdateFileSystem.html, ProvisionedThroughputInMibps, 2026-11-28.
MOST_PROVISIONED_MIBPS = 3414


class CreateFileSystem(Section):
    """An encrypted EFS file system, made where a model's cache asks for it."""

    kind: Literal["create"] = "create"
    throughput: Literal["elastic", "provisioned"] = described(
        "elastic: paid by what is read and written; provisioned: paid by the hour, needs provisionedMibps",
        default="elastic",
    )
    provisioned_mibps: int | None = described(
        "of throughput: provisioned, MiB/s", default=None, ge=1, le=MOST_PROVISIONED_MIBPS
    )
    zone: Zone | None = described(
        "One Zone storage in this availability zone; default: in all zones of the private subnets", default=None
    )
    subnet_ids: tuple[SubnetId, ...] = described(
        "subnets of its mount targets, one for each zone, in a network that is there; default: all private subnets",
        default=(),
        max_length=16,
    )
    kms_key_arn: KmsKeyArn | None = described("KMS key; default: the account's aws/elasticfilesystem", default=None)
    infrequent_after_days: Literal[1, 7, 14, 30, 60, 90, 180, 270, 365] | None = described(
        "files that were not read for so long go to Infrequent Access, and come back when they are read; null: never",
        default=30,
    )
    backup: bool = described("daily AWS Backup; weights can be downloaded again", default=False)
    protect: bool = described("refuse to delete it with pulumi destroy", default=False)

    @model_validator(mode="after")
    def _throughput(self) -> CreateFileSystem:
        if (self.throughput == "provisioned") != (self.provisioned_mibps is not None):
            raise WrongValue(
                "provisionedMibps belongs to throughput: provisioned, and is needed there",
                "write both, or leave provisionedMibps out",
            )
        return self


class ExistingFileSystem(Section):
    """An existing EFS file system with mount targets that the nodes reach."""

    kind: Literal["existing"]
    id: FileSystemId = described("its id")


FileSystem = Annotated[CreateFileSystem | ExistingFileSystem, Field(discriminator="kind"), kind_defaults_to("create")]
