#!/usr/bin/env python3
"""/openapi.json is a valid OpenAPI 3.1 document, says an independent validator.

  openapi_test.py PATH/weir-demo PYTHON-WITH-openapi-spec-validator"""
import json
import os
import subprocess
import sys

import service

VALIDATE = """
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
errors = list(OpenAPIV31SpecValidator(json.load(sys.stdin)).iter_errors())
for error in errors:
    print("/".join(map(str, error.absolute_path)) + ": " + error.message)
sys.exit(1 if errors else 0)
"""


def validate(python, document):
    return subprocess.run([python, "-c", VALIDATE], input=json.dumps(document), text=True).returncode


def main():
    program, python = sys.argv[1:]
    probe = [python, "-c", "import openapi_spec_validator"]
    if not os.path.exists(python) or subprocess.run(probe, stderr=subprocess.DEVNULL).returncode != 0:
        print("SKIPPED: openapi-spec-validator is not there; ./dev test brings it from PyPI when the network allows it.")
        return 77
    with service.running(program) as demo:
        document = demo.request("GET", "/openapi.json")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    print(f"OpenAPI {document['openapi']}, {len(operations)} operations")
    failed = validate(python, document)
    for operation in operations:
        if "summary" not in operation or "tags" not in operation:
            print(f"no summary or no tag: {operation.get('operationId')}")
            failed = 1
    if not document["openapi"].startswith("3.1") or len(operations) < 14:
        print("that is not the description of the demo")
        failed = 1
    # The validator notices what is wrong.
    del document["info"]["title"]
    if validate(python, document) == 0:
        print("the validator accepts a document without a title")
        failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
