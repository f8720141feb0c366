"""Removes from installed dependencies what no run reads.

They are part of users' build caches, and botocore parses its service descriptions at each start.
Nothing else imports them. They are reinstalled when their lock or this file changes.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SERVICES = ("s3", "sts", "sso", "sso-oidc")
_ENDPOINTS = ("s3", "sts", "portal.sso", "oidc")  # their names in endpoints.json
# S3 operations: those of the fetch, and those of botocore to find a region or a key.
_OPERATIONS = ("CreateSession", "GetObject", "HeadBucket", "ListObjectsV2")


def prune(site: Path) -> None:
    """Prune the packages installed in `site`."""
    # botocore describes every AWS service, in 25 MB: an S3 client reads four of them.
    for package in ("botocore", "boto3"):
        for service in sorted(site.glob(f"{package}/data/*")):
            if service.is_dir() and service.name not in _SERVICES:
                shutil.rmtree(service)
    for examples in sorted(site.glob("botocore/data/*/*/examples-1.json*")):
        examples.unlink()
    for model in sorted(site.glob("botocore/data/s3/*/service-2.json.gz")):
        model.write_bytes(gzip.compress(_dump(_needed_operations(_load(model))), mtime=0))
    for endpoints in sorted(site.glob("botocore/data/endpoints.json")):
        endpoints.write_bytes(_dump(_needed_services(_load(endpoints))))
    # With it, the package would hide its portions in other groups: it is a namespace package.
    (site / "backports" / "__init__.py").unlink(missing_ok=True)
    if not (site / "uv").is_dir():  # uv is used as a program
        shutil.rmtree(site / "bin", ignore_errors=True)


def _needed_operations(model: Any) -> Any:
    operations = {name: model["operations"][name] for name in _OPERATIONS}
    needed = _reachable(operations, model["shapes"])
    shapes = {name: shape for name, shape in model["shapes"].items() if name in needed}
    return {**model, "operations": _undocumented(operations), "shapes": _undocumented(shapes)}


def _reachable(operations: Any, shapes: Any) -> set[str]:
    """The names of the shapes that the operations refer to, directly or not."""
    names: set[str] = set()
    new = set(_named(operations))
    while new:
        names |= new
        new = {inner for name in new for inner in _named(shapes[name])} - names
    return names


def _named(data: Any) -> Iterator[str]:
    """The names of shapes in `data`."""
    if isinstance(data, dict):
        if isinstance(data.get("shape"), str):
            yield data["shape"]
        data = [*data.values()]
    for value in data if isinstance(data, list) else ():
        yield from _named(value)


def _undocumented(data: Any) -> Any:
    """`data` without documentation strings; a member named "documentation" is no string."""
    if isinstance(data, list):
        return [_undocumented(value) for value in data]
    if not isinstance(data, dict):
        return data
    kept = (name for name in data if name != "documentation" or not isinstance(data[name], str))
    return {name: _undocumented(data[name]) for name in kept}


def _needed_services(endpoints: Any) -> Any:
    def pruned(partition: Any) -> Any:
        services = partition["services"]
        few = {name: services[name] for name in _ENDPOINTS if name in services}
        return {**partition, "services": few}

    return {**endpoints, "partitions": [pruned(each) for each in endpoints["partitions"]]}


def _load(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def _dump(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
