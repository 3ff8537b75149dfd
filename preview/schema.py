"""The JSON Schema of the JSON format; `python -m preview.schema` writes docs/preview.schema.json anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from preview.document import SCHEMA_VERSION
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
    texts = ("name", "namespace", "model", "revision", "pool")
    return _object(
        {
            **dict.fromkeys(texts, TEXT),
            "gpu": _or_null(TEXT),
            "gpus_per_replica": WHOLE,
            "max_model_len": WHOLE,
            "fit": _object(fit),
            "throughput": _or_null(_throughput()),
            "cold_start_seconds": _object({"low": NUMBER, "high": NUMBER, "terms": _list(term)}),
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
    )
    lengths = dict.fromkeys(("input_tokens", "output_tokens"), WHOLE)
    return {
        **_object({**lengths, **dict.fromkeys(numbers, NUMBER), "limited_by": TEXT}),
        "description": "of one replica that always has more to do, on requests of these mean lengths",
    }


def _money() -> Schema:
    keys = ("usd_per_hour_min", "usd_per_hour_max", "usd_per_month_min", "usd_per_month_max")
    return dict.fromkeys(keys, _or_null(NUMBER))


def _cost() -> Schema:
    dollars = dict.fromkeys(("min_usd_per_hour", "max_usd_per_hour"), _or_null(NUMBER))
    return _object({**_money(), "lines": _list(_object({"what": TEXT, **dollars, "source": TEXT}))})


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


def _pool() -> Schema:
    room = dict.fromkeys(("gpus", "cpu_millicores", "memory_mib", "ephemeral_mib"), WHOLE)
    left = _object({"nodes": WHOLE, **room})
    packing = _or_null(_object({"replicas": WHOLE, "nodes": WHOLE, "left": _list(left)}))
    return _object(
        {
            "pool": TEXT,
            "instance_types": _list(TEXT),
            "capacity": {"enum": ["onDemand", "spot"]},
            "gpu": _or_null(TEXT),
            **dict.fromkeys(("gpus_per_node", "min_nodes", "max_nodes"), WHOLE),
            "room_per_node": _object(room),
            "pods": _list(_object({"model": TEXT, **room})),
            "at_fewest": packing,
            "at_most": packing,
        }
    )


def _quota() -> Schema:
    texts = dict.fromkeys(("code", "service", "name", "unit"), TEXT)
    return _object({**texts, "needed": WHOLE, "account_default": _or_null(WHOLE), "used_by": _list(TEXT)})


def main() -> None:
    """Writes the schema."""
    SCHEMA_FILE.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
