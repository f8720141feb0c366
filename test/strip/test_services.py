"""Of the services that a client describes, those stay that the code can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from slugfit.strip.candidates import services
from slugfit.strip.site_tree import SiteTree, SourceFile, read_tree
from support.packages import Site

AWS = {
    f"botocore/data/{service}/2020-01-01/service-2.json.gz": service
    for service in ("ec2", "s3", "signin", "sns", "sqs", "sso", "sso-oidc", "sts")
}
BOTOCORE = {
    **dict.fromkeys(AWS, "{}"),
    "botocore/__init__.py": "",
    "botocore/data/endpoints.json": "ec2",
    "botocore/data/_retry.json": "ec2",
    "botocore/credentials.py": "client = self._client_creator('signin', config=config)",
    "botocore/session.py": "def create_client(self, name): return make(create_client(name))",
    "boto3/__init__.py": "def client(name, **rest): return session.client(name, **rest)",
    "boto3/data/sns/2010-03-31/resources-1.json": "{}",
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.install("boto3", BOTOCORE)
    return site


def sources(site: Site) -> list[SourceFile]:
    """Every source in site-packages."""
    paths = (path for path in site.files if path.endswith(".py"))
    return [SourceFile(site.root / p, p.rpartition("/")[0].replace("/", "."), p) for p in paths]


def app(site: Site, name: str, content: str) -> SourceFile:
    file = site.app / name
    file.write_text(content)
    return SourceFile(file, "", f"{name} of the app")


def kept(tree: SiteTree, counting: list[SourceFile]) -> dict[str, str]:
    """The services that stay of those that may go, and why."""
    going = services.candidates(tree)
    found = services.keep(tree, going, counting)
    assert set(found) <= set(going)
    return {AWS[path]: because for path, because in found.items() if path in AWS}


def test_what_credentials_need_and_what_is_of_no_service_may_never_go(site: Site) -> None:
    going = services.candidates(read_tree(site.root))
    assert {AWS.get(path, path) for path in going} == {
        "ec2",
        "signin",
        "sns",
        "sqs",
        "boto3/data/sns/2010-03-31/resources-1.json",
    }
    assert set(going.values()) == {"AWS service models"}


def test_botocore_itself_keeps_what_it_asks_for_by_name(site: Site) -> None:
    assert kept(read_tree(site.root), sources(site)) == {
        "signin": "named in botocore/credentials.py"
    }


def test_a_service_that_an_app_names_anywhere_stays_with_its_resources(site: Site) -> None:
    tree = read_tree(site.root)
    source = app(site, "settings.py", "QUEUE = {'kind': \"sns\"}")
    found = services.keep(tree, services.candidates(tree), [source])
    assert found == dict.fromkeys(
        [
            "boto3/data/sns/2010-03-31/resources-1.json",
            "botocore/data/sns/2020-01-01/service-2.json.gz",
        ],
        "named in settings.py of the app",
    )


def test_a_configuration_names_services_without_quotes(site: Site) -> None:
    source = app(site, "config.yml", "queue: sqs\nother: [ec2-like]\n")
    assert kept(read_tree(site.root), [source]) == {"sqs": "named in config.yml of the app"}


@pytest.mark.parametrize(
    "code",
    [
        "boto3.client('sqs')",
        "session.create_client(service_name='sqs', region_name=region)",
        "boto3.client('sqs', **options)",
        "boto3.resource('sqs')",
        "def of(service): return boto3.client(service)\nof('sqs')",
        "class A:\n    def of(self, region, name): return s.client(name)\nA().of('eu', 'sqs')",
        "def of(*, service): return boto3.client(service)\nof(service='sqs')",
        "def f(s): return g(s)\ndef g(s): return boto3.client(s)\nf('sqs')",
        "import botocore.client\ntry: ...\nexcept botocore.client.ClientError: ...\n'sqs'",
        "self.client.send(name)\nclient = boto3.client('sqs')\nclient(1)",
    ],
)
def test_services_asked_for_by_constants_are_all_that_stay(site: Site, code: str) -> None:
    assert kept(read_tree(site.root), [app(site, "app.py", code)]) == {
        "sqs": "named in app.py of the app"
    }


@pytest.mark.parametrize(
    "code",
    [
        "boto3.client(os.environ['SERVICE'])",
        "boto3.client(f'{name}s')",
        "boto3.client(*given)",
        "boto3.client(**given)",
        "session.resource(service_name=name)",
        "boto3.Session().get_available_services()",
        "[make(name) for make in (boto3.client, boto3.resource)]",
        "self.session.client",
        "def of(service): return boto3.client(service)\nof(name)",
        "def of(service): return boto3.client(service)\nmap(of, names)",
        "from boto3 import client as ask\nask(name)",
        "class A:\n    def __init__(self, name): self.client = boto3.client(name)",
        "boto3.client(name",
    ],
)
def test_all_stay_where_a_service_is_computed(site: Site, code: str) -> None:
    because = "app.py of the app computes which service it asks for"
    assert kept(read_tree(site.root), [app(site, "app.py", code)]) == dict.fromkeys(
        ["ec2", "signin", "sns", "sqs"], because
    )


def test_a_wrapper_is_followed_into_another_module_of_the_app(site: Site) -> None:
    wrapper = app(site, "aws.py", "def of(service): return boto3.client(service)")
    known = app(site, "jobs.py", "from aws import of\nof('sqs')")
    assert kept(read_tree(site.root), [wrapper, known]) == {"sqs": "named in jobs.py of the app"}
    computing = app(site, "views.py", "from aws import of\nof(request.args['service'])")
    assert "ec2" in kept(read_tree(site.root), [wrapper, known, computing])


OTHERS: Mapping[str, tuple[Mapping[str, str], set[str]]] = {
    "a package that uses boto3 keeps what any of its modules names": (
        {"queues/__init__.py": "import boto3", "queues/names.py": "KINDS = ['sqs', 'sns']"},
        {"sqs", "sns"},
    ),
    "a package that does not use it names what it likes": (
        {"clouds/__init__.py": "KINDS = ['sqs']\nself.client(name)"},
        set(),
    ),
    "a package of a namespace speaks for itself": (
        {"vendor/aws/__init__.py": "import boto3", "vendor/other/__init__.py": "'sqs'"},
        set(),
    ),
    "a package that computes a service keeps all": (
        {"shell/__init__.py": "import botocore.session", "shell/run.py": "s.create_client(name)"},
        {"ec2", "sns", "sqs"},
    ),
}


@pytest.mark.parametrize(("files", "services"), OTHERS.values(), ids=OTHERS.keys())
def test_of_other_packages(site: Site, files: Mapping[str, str], services: set[str]) -> None:
    site.install("other", files)
    assert kept(read_tree(site.root), sources(site)).keys() == services | {"signin"}


def test_apis_of_google_that_no_code_builds_go(tmp_path: Path) -> None:
    site = Site(tmp_path)
    documents = "googleapiclient/discovery_cache/documents"
    site.install(
        "google-api-python-client",
        {
            "googleapiclient/__init__.py": "",
            "googleapiclient/discovery.py": "def build(name): return build(name + 'x')",
            f"{documents}/admin.directory_v1.json": "{}",
            f"{documents}/drive.v3.json": "{}",
            f"{documents}/index.json": "{}",
        },
    )
    tree = read_tree(site.root)
    going = services.candidates(tree)
    assert going == dict.fromkeys(
        [f"{documents}/admin.directory_v1.json", f"{documents}/drive.v3.json"],
        "Google API descriptions",
    )
    uses = app(site, "app.py", "from googleapiclient.discovery import build\nbuild('drive', 'v3')")
    found = services.keep(tree, going, [*sources(site), uses])
    assert found == {f"{documents}/drive.v3.json": "named in app.py of the app"}


def test_nothing_is_read_where_no_service_is_described(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install("p", {"p/__init__.py": "import boto3"})
    tree = read_tree(site.root)
    assert services.candidates(tree) == {}
    assert services.keep(tree, {"p/data/sqs/a.json": "tests"}, sources(site)) == {}
