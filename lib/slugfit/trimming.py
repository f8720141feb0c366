"""Takes out of what pip installed what no run reads.

It travels in users' build caches, and botocore reads its descriptions of AWS at each start. Nobody
else imports it, and it is installed anew when its lock changes, or this file.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SERVICES = ("s3", "sts", "sso", "sso-oidc")
_ENDPOINTS = ("s3", "sts", "portal.sso", "oidc")  # the same, as endpoints.json calls them
# Of S3's: what the fetch asks for, and what botocore does to find the region, or a key.
_OPERATIONS = ("CreateSession", "GetObject", "HeadBucket", "ListObjectsV2")


def trim(site: Path) -> None:
    """Trim what was installed into `site`."""
    # botocore describes every AWS service, in some 25 MB: an S3 client reads four.
    for package in ("botocore", "boto3"):
        for service in sorted(site.glob(f"{package}/data/*")):
            if service.is_dir() and service.name not in _SERVICES:
                shutil.rmtree(service)
    for examples in sorted(site.glob("botocore/data/*/*/examples-1.json*")):
        examples.unlink()
    for model in sorted(site.glob("botocore/data/s3/*/service-2.json.gz")):
        model.write_bytes(gzip.compress(_dump(_with_few_operations(_load(model))), mtime=0))
    for endpoints in sorted(site.glob("botocore/data/endpoints.json")):
        endpoints.write_bytes(_dump(_of_few_services(_load(endpoints))))
    # With it, the package would not see its portions in the groups that come later.
    (site / "backports" / "__init__.py").unlink(missing_ok=True)
    if not (site / "uv").is_dir():  # of that one, the program is what is wanted
        shutil.rmtree(site / "bin", ignore_errors=True)


def _with_few_operations(model: Any) -> Any:
    operations = {name: model["operations"][name] for name in _OPERATIONS}
    needed = _reachable(operations, model["shapes"])
    shapes = {name: shape for name, shape in model["shapes"].items() if name in needed}
    return {**model, "operations": _undocumented(operations), "shapes": _undocumented(shapes)}


def _reachable(operations: Any, shapes: Any) -> set[str]:
    """The names of the shapes that the operations are made of."""
    names: set[str] = set()
    new = set(_named(operations))
    while new:
        names |= new
        new = {inner for name in new for inner in _named(shapes[name])} - names
    return names


def _named(data: Any) -> Iterator[str]:
    """Every shape that is named in `data`."""
    if isinstance(data, dict):
        if isinstance(data.get("shape"), str):
            yield data["shape"]
        data = [*data.values()]
    for value in data if isinstance(data, list) else ():
        yield from _named(value)


def _undocumented(data: Any) -> Any:
    """Without the documentation, which is text; a member of that name is none."""
    if isinstance(data, list):
        return [_undocumented(value) for value in data]
    if not isinstance(data, dict):
        return data
    kept = (name for name in data if name != "documentation" or not isinstance(data[name], str))
    return {name: _undocumented(data[name]) for name in kept}


def _of_few_services(endpoints: Any) -> Any:
    def trimmed(partition: Any) -> Any:
        services = partition["services"]
        few = {name: services[name] for name in _ENDPOINTS if name in services}
        return {**partition, "services": few}

    return {**endpoints, "partitions": [trimmed(each) for each in endpoints["partitions"]]}


def _load(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def _dump(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
