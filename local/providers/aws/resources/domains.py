"""Certificates of AWS Certificate Manager, the wait until they are issued, and records of hosted zones."""

from __future__ import annotations

from local.providers.aws import checks, checks_domains, hooks_domains
from local.providers.aws.table import Call, Ready, Row, Tagging, UpdateCall

_ARN = {"CertificateArn": "$id"}
CERTIFICATE = Row(
    token="aws:acm/certificate:Certificate",
    service="acm",
    create=Call("request_certificate"),
    id="CertificateArn",
    read=Call("describe_certificate", _ARN, "Certificate"),
    delete=(Call("delete_certificate", _ARN),),
    names={"validationOptions": "DomainValidationOptions"},
    unread=("validationOptions",),
    live={
        "arn": "CertificateArn",
        "domainValidationOptions": "DomainValidationOptions[?ResourceRecord].{domainName: DomainName, "
        "resourceRecordName: ResourceRecord.Name, resourceRecordType: ResourceRecord.Type, "
        "resourceRecordValue: ResourceRecord.Value}",
        "validationMethod": "DomainValidationOptions[0].ValidationMethod || 'NONE'",
    },
    changes=(UpdateCall(("options",), Call("update_certificate_options", _ARN)),),
    filled_by_aws=("keyAlgorithm", "options", "subjectAlternativeNames"),
    # ACM says some seconds after the request which record it will ask for.
    ready=Ready("Type != 'AMAZON_ISSUED' || DomainValidationOptions[0].ResourceRecord != null", (True,)),
    gone=Ready("Status", ("VALIDATION_TIMED_OUT",)),
    tagging=Tagging(
        _ARN,
        "Tags",
        "add_tags_to_certificate",
        "remove_tags_from_certificate",
        read=Call("list_tags_for_certificate", _ARN, "Tags"),
    ),
    checks=(checks.exactly_one(("validationMethod", "certificateAuthorityArn")), checks_domains.domain_name),
)

VALIDATION = Row(
    token="aws:acm/certificateValidation:CertificateValidation",
    service="acm",
    create=None,
    make=hooks_domains.await_issue,
    read=Call("describe_certificate", {"CertificateArn": "$certificateArn"}, "Certificate"),
    delete=(),  # there is nothing in AWS
    names={"certificateArn": None, "validationRecordFqdns": None},
    unread=("validationRecordFqdns",),
    gone=Ready("Status != 'ISSUED'", (True,)),
)

RECORD = Row(
    token="aws:route53/record:Record",
    service="route53",
    create=None,
    make=hooks_domains.make_record,
    import_id="{zoneId}_{name}_{type}",
    read=Call("get_hosted_zone", {"Id": "$zoneId"}, "HostedZone"),
    delete=(),
    before_delete=hooks_domains.delete_record,
    # Aliases and ways of routing are of no stack.
    names=dict.fromkeys(("zoneId", "name", "type", "ttl", "records", "allowOverwrite")),
    updatable=("type", "ttl", "records", "allowOverwrite"),
    unread=("allowOverwrite",),
    on_update=hooks_domains.change_record,
    observe=hooks_domains.observe_record,
    checks=(checks_domains.record_type, checks_domains.record_values),
)

ROWS = (CERTIFICATE, VALIDATION, RECORD)
