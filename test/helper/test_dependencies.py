"""Slugfit's own dependencies: a real pip installs small wheels from an index in a directory."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.loaders import Loader
from urllib3 import HTTPResponse

from slugfit.base.output import Output, Redactor
from slugfit.helper.dependencies import LOCKS, SEPARATE, Dependencies, Group
from slugfit.helper.installation import DependenciesNotInstalled
from slugfit.helper.pruning import prune
from support.snapshot import snapshot

OWN = "-----> Installing Slugfit's own dependencies into the build cache\n"
S3 = "-----> Installing Slugfit's client for S3 into the build cache\n"


class Place:
    """A cache, an index with a wheel for each project, and a lock for each group."""

    def __init__(self, root: Path) -> None:
        self.cache = root / "cache"
        self.locks = root / "locks"
        self.index = root / "index"
        self.log = io.StringIO()
        self.locks.mkdir()
        self.lock(Group.BASE, "alpha", "1.0")
        self.lock(Group.S3, "beta", "1.0")

    @property
    def helper(self) -> Path:
        return self.cache / "helper"

    def lock(self, group: Group, project: str, version: str, **more: str) -> None:
        """Pin a project as what the group consists of; `more` are files beside its module."""
        wheel = self._publish(project, version, more)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        line = f"{project}=={version} --hash=sha256:{digest}\n"
        (self.locks / f"{group.value}.txt").write_text(line)

    def dependencies(
        self, environ: Mapping[str, str] | None = None, *, provisional: bool = True
    ) -> Dependencies:
        needed = {"PATH": os.defpath, "PIP_INDEX_URL": self.index.as_uri()}
        output = Output(self.log, self.log, Redactor())
        return Dependencies(
            self.cache,
            {**needed, **(environ or {})},
            output,
            provisional=provisional,
            locks=self.locks,
        )

    def install(self, *groups: Group) -> None:
        """A run that succeeds."""
        dependencies = self.dependencies()
        dependencies.provide(*groups)
        dependencies.keep()

    def groups(self) -> list[str]:
        """The groups in the cache, without the rest of their keys."""
        return sorted(name.partition("-")[0] for name in os.listdir(self.helper))

    def _publish(self, project: str, version: str, more: dict[str, str]) -> Path:
        folder = self.index / project
        folder.mkdir(parents=True, exist_ok=True)
        wheel = folder / f"{project}-{version}-py3-none-any.whl"
        info = f"{project}-{version}.dist-info"
        files = {
            f"{project}.py": f"VERSION = '{version}'\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": "",
            **more,
        }
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name), text)
        links = "".join(f'<a href="{path.name}">{path.name}</a>' for path in folder.glob("*.whl"))
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
        return wheel


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    before = list(sys.path)
    yield Place(tmp_path)
    sys.path[:] = before


@pytest.fixture(scope="module")
def both_groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the base and the client for S3; what such an installation says is tested."""
    before = list(sys.path)
    place = Place(tmp_path_factory.mktemp("both"))
    place.install(Group.S3)
    sys.path[:] = before
    assert place.log.getvalue() == OWN + S3
    return place.cache


@pytest.fixture
def installed(place: Place, both_groups: Path) -> Place:
    shutil.copytree(both_groups, place.cache)
    return place


def test_what_is_provided_can_be_imported_before_and_after_it_is_kept(place: Place) -> None:
    dependencies = place.dependencies()
    dependencies.provide()
    dependencies.provide()
    assert place.log.getvalue() == OWN
    [site] = [path for path in sys.path if path.startswith(str(place.cache))]
    assert (Path(site) / "alpha.py").read_text() == "VERSION = '1.0'\n"
    dependencies.keep()
    dependencies.discard()
    [site] = map(str, place.helper.iterdir())
    assert (Path(site) / "alpha.py").read_text() == "VERSION = '1.0'\n"


def test_the_next_run_finds_it_without_pip(installed: Place) -> None:
    before = snapshot(installed.cache)
    dependencies = installed.dependencies({"PIP_INDEX_URL": "/nonexistent"})
    dependencies.provide(Group.S3)
    dependencies.keep()
    assert [Path(path).name.partition("-")[0] for path in sys.path[-2:]] == ["base", "s3"]
    assert installed.log.getvalue() == ""
    assert snapshot(installed.cache) == before


def test_a_separate_group_is_not_for_this_process(place: Place) -> None:
    place.lock(Group.TFLITE, "gamma", "1.0")
    dependencies = place.dependencies()
    before = list(sys.path)
    site = dependencies.separate(Group.TFLITE)
    assert dependencies.separate(Group.TFLITE) == site
    assert (site / "gamma.py").read_text() == "VERSION = '1.0'\n"
    assert sys.path == before
    assert place.log.getvalue() == (
        "-----> Installing a runtime for TensorFlow Lite models into the build cache\n"
    )
    dependencies.keep()
    assert place.groups() == ["tflite"]
    # It stays for a run that retains it, and no longer.
    again = place.dependencies()
    again.retain(Group.TFLITE)
    again.retain(Group.S3)
    again.keep()
    assert place.groups() == ["tflite"]
    place.dependencies().keep()
    assert place.groups() == []


def test_what_is_not_kept_leaves_nothing(place: Place) -> None:
    dependencies = place.dependencies()
    dependencies.provide()
    dependencies.discard()
    assert list(place.cache.iterdir()) == []


def test_what_is_not_kept_leaves_what_was_there(installed: Place) -> None:
    installed.lock(Group.S3, "beta", "2.0")
    before = snapshot(installed.helper)
    dependencies = installed.dependencies()
    dependencies.provide(Group.S3)
    assert installed.log.getvalue() == S3
    dependencies.discard()
    after = snapshot(installed.helper)
    assert {path: e._replace(mtime_ns=0) for path, e in after.items()} == {
        path: e._replace(mtime_ns=0) for path, e in before.items()
    }


def test_groups_that_a_build_did_not_need_are_dropped_with_it(installed: Place) -> None:
    (installed.helper / "new.killed").mkdir()
    (installed.helper / "file").touch()
    installed.install()
    assert installed.groups() == ["base"]


@pytest.mark.parametrize("provisional", [True, False])
def test_another_lock_replaces_what_the_old_one_installed(
    installed: Place, provisional: bool
) -> None:
    installed.lock(Group.S3, "beta", "2.0")
    dependencies = installed.dependencies(provisional=provisional)
    dependencies.provide(Group.S3)
    if provisional:
        dependencies.keep()
    [s3] = installed.helper.glob("s3-*")
    assert (s3 / "beta.py").read_text() == "VERSION = '2.0'\n"
    assert installed.groups() == ["base", "s3"]


def test_content_that_the_lock_does_not_name_is_refused(place: Place) -> None:
    lock = place.locks / "base.txt"
    lock.write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", lock.read_text()))
    dependencies = place.dependencies()
    with pytest.raises(DependenciesNotInstalled, match="could not be installed") as caught:
        dependencies.provide()
    assert "Expected sha256 00000000" in caught.value.output
    dependencies.discard()
    assert list(place.cache.iterdir()) == []


def test_where_nothing_is_taken_back_it_stays_without_being_kept(place: Place) -> None:
    dependencies = place.dependencies(provisional=False)
    dependencies.provide()
    assert place.log.getvalue() == (
        f"-----> Installing Slugfit's own dependencies into {place.helper}\n"
    )
    assert Path(sys.path[-1]).parent == place.helper
    dependencies.discard()
    assert place.groups() == ["base"]


def test_two_that_install_at_once_share_the_result(place: Place) -> None:
    both = [place.dependencies(provisional=False) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Dependencies.provide, both))
    assert place.groups() == ["base"]
    assert place.log.getvalue().count("-----> Installing") == 2


def test_pip_is_told_nothing_that_earlier_buildpacks_exported(place: Place, tmp_path: Path) -> None:
    hostile = {
        "PIP_TARGET": f"{tmp_path}/elsewhere",
        "PIP_NO_INDEX": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PYTHONPATH": "/invalid",
        "PYTHONHOME": "/invalid",
    }
    place.dependencies(hostile).provide()
    assert (Path(sys.path[-1]) / "alpha.py").exists()


def test_bytecode_is_there_and_checked_by_nothing(both_groups: Path) -> None:
    [bytecode] = both_groups.rglob("alpha.*.pyc")
    assert int.from_bytes(bytecode.read_bytes()[4:8], "little") == 0b01  # hashed, never checked


def test_of_aws_only_what_reads_models_is_kept(installed: Place) -> None:
    services = ("s3", "sts", "sso", "sso-oidc", "ec2", "lambda")
    data = {
        f"{package}/data/{service}/service.json": "{}"
        for package in ("botocore", "boto3")
        for service in services
    }
    endpoints: Any = {"partitions": [{"services": {"s3": {}, "ec2": {}, "portal.sso": {}}}]}
    files = {
        "botocore/data/endpoints.json": json.dumps(endpoints),
        "botocore/data/s3/1/examples-1.json": "{}",
        "beta-1.0.data/scripts/tool": "#!python\n",
    }
    installed.lock(Group.S3, "beta", "1.0", **data, **files)
    installed.dependencies().provide(Group.S3)
    site = Path(sys.path[-1])
    assert sorted(os.listdir(site / "boto3/data")) == ["s3", "sso", "sso-oidc", "sts"]
    assert sorted(os.listdir(site / "botocore/data")) == [
        "endpoints.json",
        *("s3", "sso", "sso-oidc", "sts"),
    ]
    kept = json.loads((site / "botocore/data/endpoints.json").read_bytes())
    assert kept == {"partitions": [{"services": {"s3": {}, "portal.sso": {}}}]}
    assert not (site / "botocore/data/s3/1/examples-1.json").exists()
    assert not (site / "bin").exists()


def test_a_trimmed_botocore_asks_s3_as_the_whole_one_does(tmp_path: Path) -> None:
    whole = Path(botocore.__file__).parent
    shutil.copytree(whole / "data", tmp_path / "botocore/data", ignore=_other_services)
    endpoints = (None, "http://127.0.0.1:9")
    before = [_requests(tmp_path / "botocore/data", endpoint) for endpoint in endpoints]
    size = _size(tmp_path)
    prune(tmp_path)
    assert [_requests(tmp_path / "botocore/data", endpoint) for endpoint in endpoints] == before
    assert _size(tmp_path) < size / 5


def _other_services(directory: str, names: list[str]) -> list[str]:
    """Of some 400 services all but one that nothing needs: they take long to copy."""
    kept = ("ebs", "s3", "sso", "sso-oidc", "sts")
    is_top = Path(directory).name == "data"
    return [name for name in names if is_top and "." not in name and name not in kept]


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _requests(data: Path, endpoint: str | None) -> list[tuple[str, str]]:
    """What a client asks for that reads in `data` what S3 is like; nothing is sent."""
    session: Any = botocore.session.Session()
    loader = Loader([str(data)], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    session.set_credentials("AKIA", "s" * 40)
    client = session.create_client("s3", "eu-north-1", endpoint_url=endpoint)
    asked = []

    def answer(request: Any, **rest: object) -> AWSResponse:
        asked.append((request.method, request.url))
        body = HTTPResponse(io.BytesIO(b"<ListBucketResult/>"), preload_content=False)
        return AWSResponse(request.url, 200, HTTPHeaders(), body)

    client.meta.events.register("before-send.s3", answer)
    for bucket in ("models", "m.dot", "arn:aws:s3:us-west-2:123456789012:accesspoint/ap"):
        client.get_object(Bucket=bucket, Key="größe/a b", VersionId="1", RequestPayer="requester")
        client.list_objects_v2(Bucket=bucket, Prefix="dir/", ContinuationToken="t")
        client.head_bucket(Bucket=bucket)
    return asked


def test_a_namespace_that_is_in_use_finds_its_portions_in_later_groups(place: Place) -> None:
    old_style = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    base = {"backports/__init__.py": old_style, "backports/one.py": ""}
    place.lock(Group.BASE, "alpha", "1.0", **base)
    place.lock(Group.S3, "beta", "1.0", **{"backports/two.py": ""})
    place.dependencies().provide(Group.S3)
    lines = [
        *("import sys", f"sys.path.append({sys.path[-2]!r})", "import backports.one"),
        *(f"sys.path.append({sys.path[-1]!r})", "import backports.two"),
    ]
    subprocess.run([sys.executable, "-I", "-S", "-c", "\n".join(lines)], check=True)


def pins(group: Group) -> dict[str, set[str]]:
    """The versions that the lock of a group has for each project, whatever the Python."""
    found: dict[str, set[str]] = {}
    lock = (LOCKS / f"{group.value}.txt").read_text()
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, flags=re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def test_groups_that_share_a_process_agree_on_what_they_share() -> None:
    everything: dict[str, set[str]] = {}
    for group in (group for group in Group if group not in SEPARATE):
        for name, versions in pins(group).items():
            assert everything.setdefault(name, versions) == versions, name


def test_no_group_in_its_process_brings_what_the_base_has_under_every_python() -> None:
    lock = (LOCKS / "base.txt").read_text()
    always = re.findall(r"^([\w.-]+)==\S+ \\$", lock, flags=re.MULTILINE)
    assert "requests" in always
    beside = set(Group) - SEPARATE - {Group.BASE}
    others = {name for group in beside for name in pins(group)}
    assert others.isdisjoint(always)


def test_every_pin_has_its_hash() -> None:
    for group in Group:
        lock = (LOCKS / f"{group.value}.txt").read_text()
        assert len(re.findall(r"^\S+==.* \\\n    --hash=sha256:", lock, flags=re.MULTILINE)) == len(
            re.findall(r"^\S+==", lock, flags=re.MULTILINE)
        )
