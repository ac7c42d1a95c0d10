"""Checks events against schemas that are not ours: CloudEvents' JSON schema (cloudevents.json beside this file, from
github.com/cloudevents/spec, Apache-2.0) and OCSF 1.8.0 (PyPI ocsf-json-schema, which carries the compiled schema of
schema.ocsf.io, Apache-2.0; nothing that a class does not name is let through).

    python ocsf_check.py < events.ndjson

Prints one line an event: "ok", or what is wrong. Exits with 0 where it could judge all of them.
"""

import functools
import json
import sys
from pathlib import Path

from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

ENVELOPE = Draft7Validator(
    json.loads((Path(__file__).parent / "cloudevents.json").read_text()), format_checker=FormatChecker(["date-time"])
)
OCSF = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))


@functools.cache
def of_class(uid, profiles):
    name = OCSF.lookup_class_name_from_uid(uid)
    return name, Draft202012Validator(OCSF.get_class_schema(name, list(profiles)))


def faults(event):
    for error in ENVELOPE.iter_errors(event):
        yield f"CloudEvents: {error.json_path}: {error.message}"
    data = event.get("data", {})
    try:
        name, schema = of_class(data.get("class_uid"), tuple(data.get("metadata", {}).get("profiles", [])))
    except ValueError as error:
        yield f"OCSF: {error}"
        return
    for error in schema.iter_errors(data):
        yield f"OCSF {name}: {error.json_path}: {error.message[:300]}"
    if data.get("category_uid") != data["class_uid"] // 1000:
        yield f"OCSF {name}: another category"
    if data.get("type_uid") != data["class_uid"] * 100 + data.get("activity_id", 0):
        yield f"OCSF {name}: another type"


for line in sys.stdin:
    print("; ".join(faults(json.loads(line))) or "ok")
