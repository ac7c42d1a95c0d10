"""Checks a CycloneDX document with a reader that is not ours: PyPI cyclonedx-python-lib 11 (extra: json-validation).

    portcullis plugin inspect my-plugin/dist --sbom > my-plugin.cdx.json
    python sbom_check.py my-plugin.cdx.json

Applies the strict JSON schema of CycloneDX 1.6 that the package brings along, reads the document into the package's own model,
and compares what it finds there. Then damages copies of it, and expects each to be refused. Prints one line a check; exits with 0
only where all hold.
"""

import copy
import json
import sys
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def problem(document):
    """What the schema says against a document; None where it says nothing."""
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))


def damaged(document):
    """Copies that no reader may take, each with what was done to it."""
    for what, change in [
        ("a member that nobody knows", lambda d: d.update(extra=1)),
        ("a serial number that is none", lambda d: d.update(serialNumber="urn:uuid:1")),
        ("no kind of the plugin", lambda d: d["metadata"]["component"].pop("type")),
        ("a hash that is too short", lambda d: d["metadata"]["component"]["hashes"][0].update(content="00")),
        ("an aggregate that there is not", lambda d: d["compositions"][0].update(aggregate="whole")),
    ]:
        one = copy.deepcopy(document)
        change(one)
        yield what, one


def main(path):
    document = json.loads(Path(path).read_text())
    found = problem(document)
    if found is not None:
        sys.exit(f"{path} is not valid: {found}")
    print("ok: valid by the strict schema of CycloneDX 1.6")
    bom = Bom.from_json(document)
    names = sorted(one.name for one in bom.components)
    if names != sorted(one["name"] for one in document["components"]):
        sys.exit(f"other components were read: {names}")
    bom.validate()
    print(f"ok: read as {len(names)} components of {bom.metadata.component.name}, each reference leads to one")
    for what, one in damaged(document):
        if problem(one) is None:
            sys.exit(f"not noticed: {what}")
    print("ok: each of five damages is refused")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
