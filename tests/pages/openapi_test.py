#!/usr/bin/env python3
"""/openapi.json is a valid OpenAPI 3.1 document, says an independent validator: that of the demo, and that of an API which
has everything.

  openapi_test.py PATH/weir-demo PATH/weir-openapi-wide PYTHON-WITH-openapi-spec-validator"""
import json
import os
import re
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


def identical_paths(document):
    """What the validator does not look for: templates that differ in the names of placeholders only (OpenAPI 3.1, Paths
    Object: they MUST NOT exist)."""
    seen = {}
    for path in document["paths"]:
        seen.setdefault(re.sub(r"{[^}]*}", "{}", path), []).append(path)
    return [paths for paths in seen.values() if len(paths) > 1]


def check(python, document):
    failed = validate(python, document)
    for paths in identical_paths(document):
        print("identical for OpenAPI: " + ", ".join(paths))
        failed = 1
    return failed


FITS = """
import json, sys
from jsonschema import Draft202012Validator
given = json.load(sys.stdin)
failed = 0
for what, schema, value in given["answers"]:
    schema = dict(schema, components=given["components"])
    for error in Draft202012Validator(schema).iter_errors(value):
        print(what + ": " + "/".join(map(str, error.absolute_path)) + ": " + error.message)
        failed = 1
sys.exit(failed)
"""


def check_answers(python, demo, document):
    """What the demo answers is what its description says: what is required is there."""
    answers = []

    def ask(method, path, value=None, status="200", **placeholders):
        answer = demo.request(method, path.format(**placeholders), value)
        content = document["paths"][path][method.lower()]["responses"][status]["content"]
        answers.append([f"{method} {path}", content["application/json"]["schema"], answer])

    def check(given):
        return subprocess.run([python, "-c", FITS], text=True,
                              input=json.dumps({"components": document["components"], "answers": given})).returncode

    ask("POST", "/users", {"name": "Ada", "email": "ada@example.com"}, "201")
    ask("POST", "/tasks", {"title": "Water the plants"}, "201")
    ask("GET", "/users")
    ask("GET", "/tasks")
    ask("GET", "/tasks/{id}", id=1)
    ask("PATCH", "/tasks/{id}", {"due": "2030-06-01"}, id=1)
    failed = check(answers)
    del answers[-1][2]["due"]
    if check(answers[-1:]) == 0:
        print("an answer without a member that is always there fits its schema")
        failed = 1
    return failed


def without_repeated_keys(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise SystemExit(f"a name stands twice in one object: {keys}")
    return dict(pairs)


def main():
    program, wide_program, python = sys.argv[1:]
    probe = [python, "-c", "import openapi_spec_validator"]
    if not os.path.exists(python) or subprocess.run(probe, stderr=subprocess.DEVNULL).returncode != 0:
        print("SKIPPED: openapi-spec-validator is not there; ./dev test brings it from PyPI when the network allows it.")
        return 77
    with service.running(program) as demo:
        document = demo.request("GET", "/openapi.json")
        unfit = check_answers(python, demo, document)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    print(f"OpenAPI {document['openapi']}, {len(operations)} operations")
    wide = json.loads(subprocess.run([wide_program], stdout=subprocess.PIPE, check=True).stdout,
                      object_pairs_hook=without_repeated_keys)
    failed = unfit or check(python, document) or check(python, wide)
    for operation in operations:
        if "summary" not in operation or "tags" not in operation:
            print(f"no summary or no tag: {operation.get('operationId')}")
            failed = 1
    if not document["openapi"].startswith("3.1") or len(operations) < 14:
        print("that is not the description of the demo")
        failed = 1
    # The checks notice what is wrong.
    wide["paths"]["/customers/{other}"] = {}
    if not identical_paths(wide):
        print("identical paths are not found")
        failed = 1
    del document["info"]["title"]
    if validate(python, document) == 0:
        print("the validator accepts a document without a title")
        failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
