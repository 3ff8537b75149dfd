"""The JSON Schema of the JSON format; `python -m preview.schema` writes docs/preview.schema.json again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from preview.document import MONEY, SCHEMA_VERSION
from preview.findings import SEVERITIES
from preview.words import MARKS

SCHEMA_FILE = Path("docs/preview.schema.json")

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
ANY: Schema = {}


def schema() -> Schema:
    """The schema; keys that it does not name may come later, those that it names stay."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Preview of a vllm-on-eks stack",
        "description": "python -m preview STACK --format json. [secret] stands for what nobody may see, [unknown] for "
        "what nobody knows before up. Without a plan (exit code 2) only stack and findings say something.",
        **_object(
            {
                "schema_version": {"const": SCHEMA_VERSION},
                "stack": TEXT,
                "region": _or_null(TEXT),
                "headline": {**TEXT, "description": "models, GPUs and cost in one line"},
                "against": _or_null(_against()),
                "gpus": _list(_object({"gpu": TEXT, "min": WHOLE, "max": WHOLE})),
                "models": _list(_model()),
                "cost": _cost(),
                "findings": _list(_finding()),
                "changes": _list(_change()),
                "nodes": _list(_pool()),
                "quotas": _list(_quota()),
                "images": _list({**TEXT, "description": "images that our own pods name; charts bring more"}),
                "charts": _list(_object({"chart": TEXT, "version": TEXT, "repository": _or_null(TEXT)})),
                "resource_counts": {"type": "object", "additionalProperties": WHOLE},
                "resources": _list(_resource()),
                "outputs": {"type": "object", "description": "what the program exports"},
            }
        ),
    }


def _object(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    required = [key for key in properties if key not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _or_null(of: Schema) -> Schema:
    return {"anyOf": [of, {"type": "null"}]}


def _resource() -> Schema:
    urns = _list(TEXT)
    properties = {
        "urn": TEXT,
        "type": {**TEXT, "description": "Pulumi's type token, e.g. aws:eks/cluster:Cluster"},
        "name": {**TEXT, "description": "logical name"},
        "parent": {**TEXT, "description": "URN of the parent"},
        "inputs": {"type": "object"},
        "provider": {**TEXT, "description": "URN of the explicit provider"},
        "protect": {"type": "boolean"},
        "deleteBeforeReplace": {"type": "boolean"},
        "read": {"type": "boolean", "description": "read, not made"},
        "ignoreChanges": _list(TEXT),
        "replaceOnChanges": _list(TEXT),
        "aliases": urns,
        "dependencies": urns,
        "propertyDependencies": {"type": "object", "additionalProperties": urns},
    }
    return _object(properties, optional=tuple(properties)[5:])


def _change() -> Schema:
    field = _object({"path": TEXT, "before": ANY, "after": ANY})
    return _object(
        {
            "action": {"enum": list(MARKS)},
            "urn": TEXT,
            "type": TEXT,
            "name": TEXT,
            "fields": _list(field),
            "reasons": {**_list(TEXT), "description": "why it is replaced"},
        }
    )


def _model() -> Schema:
    gib = _or_null(NUMBER)
    fit = {
        "fits": _or_null({"type": "boolean", "description": "null: the model is not in the table"}),
        **dict.fromkeys(("gpu_memory_gib", "budget_gib"), NUMBER),
        **dict.fromkeys(("weights_gib_per_gpu", "activation_gib", "reserve_gib", "kv_cache_gib_per_gpu"), gib),
        "kv_cache_tokens": _or_null(WHOLE),
        "max_concurrency": _or_null(NUMBER),
        "longest_model_len": _or_null(WHOLE),
    }
    term = _object({"name": TEXT, "low_seconds": NUMBER, "high_seconds": NUMBER, "source": TEXT})
    cold = {"low": NUMBER, "high": NUMBER, "terms": _list(term)}
    on_new_node = {**_or_null(_object(cold)), "description": "what comes before on a new node, and the sums with it"}
    texts = ("name", "namespace", "model", "revision", "pool")
    return _object(
        {
            **dict.fromkeys(texts, TEXT),
            "gpu": _or_null(TEXT),
            "gpus_per_replica": WHOLE,
            "gpu_share": {**_or_null(TEXT), "description": "what one of them is where GPUs are shared"},
            "max_model_len": WHOLE,
            "fit": _object(fit),
            "throughput": _or_null(_throughput()),
            "traffic": _or_null(_traffic()),
            "cold_start_seconds": _object({**cold, "on_new_node": on_new_node}),
            "scaling": {"type": "object", "description": "the autoscaler, as the plan has it"},
        }
    )


def _throughput() -> Schema:
    numbers = (
        "concurrency",
        "requests_per_second",
        "output_tokens_per_second",
        "total_tokens_per_second",
        "time_per_output_token_seconds",
        "slo_requests_per_second",
        "slo_share",
        "slo_share_alone",
        "idle_time_to_first_token_seconds",
        "idle_time_per_output_token_seconds",
        "prefill_tokens_per_second",
        "range_factor",
    )
    lengths = dict.fromkeys(("input_tokens", "output_tokens"), WHOLE)
    others = {"declared": {"type": "boolean"}, "limited_by": TEXT, "replicas_needed": _or_null(WHOLE)}
    return {
        **_object({**lengths, **dict.fromkeys(numbers, NUMBER), **others}),
        "description": "of one replica that always has more to do, on requests of these mean lengths; slo_*: of the "
        "most it takes with the promised share in SLO; idle_*: of a request alone; all to the factor range_factor",
    }


def _traffic() -> Schema:
    curve = _object(
        {
            "minutes": WHOLE,
            **dict.fromkeys(("requests_per_second", "replicas"), _list(NUMBER)),
            **dict.fromkeys(("slo_share", "replica_hours"), NUMBER),
        }
    )
    simulated = {
        "method": TEXT,
        "slo_share": NUMBER,
        "gpu_hours_per_month": WHOLE,
        "usd_per_month": _or_null(NUMBER),
        **dict.fromkeys(("replicas_wanted", "max_replicas"), WHOLE),
        "weekday": curve,
        "weekend": _or_null(curve),
    }
    slo = dict.fromkeys(("time_to_first_token_seconds", "time_per_output_token_seconds", "share"), NUMBER)
    return _object(
        {
            "requests_per_second": NUMBER,
            **dict.fromkeys(("input_tokens", "output_tokens"), WHOLE),
            "shape": TEXT,
            "slo": _object(slo),
            "simulated": {
                **_or_null(_object(simulated)),
                "description": "a week of it, no request drawn; python -m planning simulate draws them",
            },
        }
    )


def _money() -> Schema:
    return dict.fromkeys(MONEY, _or_null(NUMBER))


def _cost() -> Schema:
    dollars = dict.fromkeys(("min_usd_per_hour", "max_usd_per_hour"), _or_null(NUMBER))
    spot = dict.fromkeys(
        ("min_low_usd_per_hour", "min_high_usd_per_hour", "max_low_usd_per_hour", "max_high_usd_per_hour"), NUMBER
    )
    per_tokens = ("usd_per_million_tokens_at_traffic", "usd_per_million_tokens_saturated", "mean_replicas_at_traffic")
    model = {**dict.fromkeys(("name", "namespace", "pool"), TEXT), **_money()}
    budget = dict.fromkeys(("usd_per_hour", "usd_per_month", "used_min", "used_max"), NUMBER)
    return _object(
        {
            **_money(),
            "lines": _list(_object({"what": TEXT, **dollars, "source": TEXT})),
            "pools": _list(_object({"pool": TEXT, **_money(), "spot": _or_null(_object({**spot, "source": TEXT}))})),
            "models": _list(_object({**model, **dict.fromkeys(per_tokens, _or_null(NUMBER))})),
            "usd_per_month_on_spot": {
                **_or_null(_object(dict.fromkeys(("min_low", "min_high", "max_low", "max_high"), NUMBER))),
                "description": "the stack with its spot pools at what spot has cost",
            },
            "budget": _or_null(_object({**budget, "written": TEXT})),
        }
    )


def _against() -> Schema:
    return _object(
        {
            "revision": TEXT,
            "commit": _or_null(TEXT),
            "problem": _or_null({**TEXT, "description": "why the changes are not known"}),
            "cost": _or_null(_object(_money())),
        }
    )


def _finding() -> Schema:
    return _object(
        {
            "rule": TEXT,
            "severity": {"enum": list(SEVERITIES)},
            "path": {**TEXT, "description": "in the stack file, or a resource"},
            "message": TEXT,
            "fix": {**TEXT, "description": "what to do; may be empty"},
        }
    )


_CAPACITY = r"^(onDemand|spot|karpenter: \w+(, \w+)*|(reservation|capacityBlock) (cr-[0-9a-f]+|arn:\S+))$"


def _pool() -> Schema:
    room = dict.fromkeys(("gpus", "cpu_millicores", "memory_mib", "ephemeral_mib"), WHOLE)
    left = _object({"nodes": WHOLE, **room})
    packing = _or_null(_object({"replicas": WHOLE, "nodes": WHOLE, "left": _list(left)}))
    return _object(
        {
            "pool": TEXT,
            "instance_types": _list(TEXT),
            "capacity": {"type": "string", "pattern": _CAPACITY},
            "gpu": _or_null(TEXT),
            **dict.fromkeys(("gpus_per_node", "min_nodes", "max_nodes"), WHOLE),
            "sharing": {**_or_null(TEXT), "description": "how GPUs are divided among pods; null: they are not"},
            "advertised_per_node": {**WHOLE, "description": "nvidia.com/gpu: GPUs, or shares of them"},
            "room_per_node": _object(room),
            "node": _or_null(_node(room)),
            "stranded": {
                **_or_null(_object(room)),
                "description": "left on all nodes at most replicas where no pod of the pool's models fits any more",
            },
            "pods": _list(_object({"model": TEXT, **room})),
            "at_fewest": packing,
            "at_most": packing,
        }
    )


def _node(room: Schema) -> Schema:
    left = _object({**dict.fromkeys(("nodes", "gpus_used", "pods_more"), WHOLE), "left": _object(room)})
    return {
        **_object(
            {
                **dict.fromkeys(("pool", "instance_type"), TEXT),
                **dict.fromkeys(("total", "system", "daemons"), _object(room)),
                "images_mib": WHOLE,
                "left": _list(left),
            }
        ),
        "description": "where a node's size goes: total = system + daemons + room_per_node; images share its disk",
    }


def _quota() -> Schema:
    texts = dict.fromkeys(("code", "service", "name", "unit"), TEXT)
    return _object({**texts, "needed": WHOLE, "account_default": _or_null(WHOLE), "used_by": _list(TEXT)})


def main() -> None:
    """Writes the schema."""
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
