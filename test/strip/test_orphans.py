"""Libraries that nothing can load, in trees of real ones: whatever could load one keeps it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slugfit.strip.native import orphans
from slugfit.strip.site_tree import SourceFile, read_tree
from support import compiled

# Long enough that a compiler keeps it in registers, too short for a string in memory.
IN_CODE = """
__attribute__((noinline)) void named(char *to) { __builtin_memcpy(to, "libspare.so", 11); }
"""

pytestmark = compiled.needs_compiler


class Package:
    """A distribution that is installed, whose libraries are looked at."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source("pkg/__init__.py", "")

    def source(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def candidates(self, **candidates: str) -> list[str]:
        return list(orphans.candidates(read_tree(self.root), candidates))

    def kept(self, *others: str) -> dict[str, str]:
        """What is kept of what is candidates, and of `others`."""
        tree = read_tree(self.root)
        candidates = dict.fromkeys(others, "tests")
        going = candidates | orphans.candidates(tree, candidates)
        assert "pkg/libspare.so" in going or not (self.root / "pkg/libspare.so").exists()
        return orphans.keep(tree, going, self.sources(going))

    def sources(self, going: dict[str, str]) -> list[SourceFile]:
        files = read_tree(self.root).files
        python = [p for p in files if p.endswith(".py") and p not in going]
        return [
            SourceFile(self.root / p, p.rpartition("/")[0].replace("/", "."), p) for p in python
        ]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return Package(tmp_path / "site")


@pytest.fixture
def spare(package: Package) -> Path:
    """A library that nothing asks for yet."""
    return compiled.library(package.root / "pkg/libspare.so")


def test_a_library_that_nobody_asks_for_goes(package: Package, spare: Path) -> None:
    assert package.candidates() == ["pkg/libspare.so"]
    assert package.kept() == {}


def test_a_library_that_a_module_links_to_is_no_candidate(package: Package, spare: Path) -> None:
    compiled.module(package.root / "pkg/_native.so", needs=[spare])
    assert package.candidates() == []


def test_a_library_is_linked_to_by_its_soname(package: Package) -> None:
    library = compiled.library(package.root / "pkg/libspare-1.so", soname="libspare.so.1")
    compiled.module(package.root / "pkg/_native.so", needs=[library])
    assert package.candidates() == []


def test_what_a_library_links_to_stays_with_it(package: Package, spare: Path) -> None:
    inner = compiled.library(package.root / "pkg.libs/libinner.so.3")
    compiled.library(spare, needs=[inner])
    assert package.candidates() == ["pkg.libs/libinner.so.3", "pkg/libspare.so"]
    package.source("pkg/load.py", "CDLL('libspare.so')")
    assert package.kept() == {
        "pkg/libspare.so": "named in pkg/load.py",
        "pkg.libs/libinner.so.3": "linked by pkg/libspare.so",
    }


def test_a_library_that_only_a_test_program_links_to_goes_with_it(
    package: Package, spare: Path
) -> None:
    compiled.program(package.root / "pkg/tests/run", "int main(void) { return 0; }", needs=[spare])
    assert package.candidates() == []
    assert package.candidates(**{"pkg/tests/run": "tests"}) == ["pkg/libspare.so"]
    assert package.kept("pkg/tests/run") == {}


def test_a_candidate_of_others_stays_if_something_links_to_it(package: Package) -> None:
    library = compiled.library(package.root / "pkg/tests/libhelper.so")
    compiled.module(package.root / "pkg/_native.so", needs=[library])
    assert package.kept("pkg/tests/libhelper.so") == {
        "pkg/tests/libhelper.so": "linked by pkg/_native.so"
    }


@pytest.mark.parametrize(
    "text",
    [
        "ctypes.CDLL('libspare.so')",
        "ffi.dlopen(os.path.join(here, 'lib', 'libspare.so'))",
        "NAMES = {'linux': b'libspare.so'}",
        "path = f'{here}/libspare.so'",
        "name = 'libspare.' + suffix",
        "name = f'libspare{suffix}'",
        "name = 'libspare%s' % suffix",
        "load_library('libspare')",
        "np.ctypeslib.load_library('libspare', here)",
        "ctypes.util.find_library('spare')",
        "load('spare')  # elsewhere: f'lib{name}.so'",
        "for name in 'other spare'.split(): load(name)",
        "os.environ['LD_PRELOAD'] = here + '/libspare.so'",
        "this is = no Python 'libspare.so'",
    ],
)
def test_a_library_that_a_source_names_stays(package: Package, spare: Path, text: str) -> None:
    package.source("other/load.py", text)
    assert package.kept() == {"pkg/libspare.so": "named in other/load.py"}


@pytest.mark.parametrize(
    "text",
    [
        "# once there was libspare.so",
        "'''Like libspare.so, but better.'''",
        "ctypes.CDLL('libspares.so')",
        "ctypes.CDLL('libspa.so')",
        "ctypes.CDLL('lib')",
        "import spare",
        "for file in os.listdir(here): open(file)",
        "for file in glob('*.dll'): CDLL(file)",
    ],
)
def test_a_library_that_a_source_does_not_name_goes(
    package: Package, spare: Path, text: str
) -> None:
    package.source("other/load.py", text)
    assert package.kept() == {}


def test_a_version_in_a_name_has_to_come_from_somewhere(package: Package) -> None:
    compiled.library(package.root / "pkg/libspare.so.1.2", soname="libspare.so.1")
    package.source("pkg/load.py", "load('spare')  # elsewhere: f'lib{name}.so'")
    assert package.kept() == {}
    package.source("pkg/load.py", "load('spare', f'lib{name}.so.{version}')")
    assert package.kept() == {"pkg/libspare.so.1.2": "named in pkg/load.py"}


@pytest.mark.parametrize(
    "text",
    [
        "for file in os.listdir(here):\n    if file.endswith('.so'): CDLL(file)",
        "for file in here.glob('lib*.so'): CDLL(file)",
        "SUFFIX = sysconfig.get_config_var('SHLIB_SUFFIX')\nfiles = os.scandir(here)",
    ],
)
def test_a_library_that_its_own_distribution_lists_stays(
    package: Package, spare: Path, text: str
) -> None:
    package.source("pkg/load.py", text)
    package.source("other/load.py", text)
    assert package.kept() == {"pkg/libspare.so": "listed by pkg/load.py"}


LISTS_WHAT_IT_IS_GIVEN = "def load(d):\n    return [CDLL(f) for f in os.listdir(d) if '.so' in f]"


@pytest.mark.parametrize(
    ("caller", "stays"),
    [
        ("load(os.path.join(root, 'kernels', 'fast'))", True),
        ("load(f'{root}/kernels/fast')", True),
        ("load(root / 'kernels')", False),
        ("raise Slow('kernels should be fast')", False),
    ],
)
def test_a_listing_of_a_directory_that_callers_name_finds_what_they_can_spell(
    package: Package, caller: str, stays: bool
) -> None:
    compiled.library(package.root / "pkg/kernels/fast/libspare.so", soname="libspare.so")
    package.source("pkg/kernels/fast/__init__.py", "")
    package.source("pkg/tools/load.py", LISTS_WHAT_IT_IS_GIVEN)
    package.source("pkg/start.py", caller)
    found = {"pkg/kernels/fast/libspare.so": "listed by pkg/tools/load.py"}
    assert package.kept() == (found if stays else {})


def test_a_library_that_a_list_of_plugins_names_stays(package: Package, spare: Path) -> None:
    package.source("pkg/data/driver.json", '{"library_path": "./libspare.so"}')
    assert package.kept() == {"pkg/libspare.so": "named in pkg/data/driver.json"}


@pytest.mark.parametrize(
    "source",
    [
        'const char *name(void) { return "libspare.so"; }',
        'const char *name(void) { return "$ORIGIN/../lib/libspare.so"; }',
        'const char *name(void) { return "%slibspare%s"; }',
        'const char *name(void) { return "spare"; }',
        IN_CODE,
    ],
)
def test_a_library_that_another_one_names_stays(package: Package, spare: Path, source: str) -> None:
    compiled.module(package.root / "other/_native.so", source)
    assert package.kept() == {"pkg/libspare.so": "named in other/_native.so"}


@pytest.mark.parametrize("text", ["libspares.so", "notspare", "libspar.so", "spare parts"])
def test_a_library_that_another_one_does_not_name_goes(
    package: Package, spare: Path, text: str
) -> None:
    compiled.module(package.root / "other/_native.so", f'const char *name = "{text}";')
    assert package.kept() == {}


def test_who_names_itself_is_no_witness(package: Package, spare: Path) -> None:
    compiled.library(spare, 'const char *name(void) { return "libspare.so"; }')
    assert package.kept() == {}


def test_what_a_kept_library_names_stays_as_well(package: Package, spare: Path) -> None:
    compiled.library(package.root / "pkg/libouter.so", 'const char *name = "libspare.so";')
    package.source("pkg/load.py", "CDLL('libouter.so')")
    assert package.kept() == {
        "pkg/libouter.so": "named in pkg/load.py",
        "pkg/libspare.so": "named in pkg/libouter.so",
    }


def test_a_link_goes_and_stays_with_its_library(package: Package, spare: Path) -> None:
    (package.root / "pkg/libspare-link.so").symlink_to("libspare.so")
    assert package.candidates() == ["pkg/libspare-link.so", "pkg/libspare.so"]
    assert package.kept() == {}
    package.source("pkg/load.py", "CDLL('libspare-link.so')")
    assert package.kept().keys() == {"pkg/libspare-link.so", "pkg/libspare.so"}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pkg/_module.so", "void *PyInit__module(void) { return 0; }"),
        ("pkg/plugins/libone.so", ""),
        ("pkg/Qt/platforms/libone.so", ""),
        ("pkg/lib/kernels/libone.so", ""),
        ("pkg/libjni.so", "int JNI_OnLoad(void *vm, void *reserved) { return 0; }"),
        ("pkg/libprovider.so", "int OSSL_provider_init(void) { return 0; }"),
        ("pkg/libmymalloc.so", "void *malloc(unsigned long size) { return 0; }"),
    ],
)
def test_what_has_other_ways_to_be_loaded_is_no_candidate(
    package: Package, path: str, source: str
) -> None:
    compiled.library(package.root / path, source or "int answer(void) { return 42; }")
    assert package.candidates() == []


def test_what_has_no_soname_was_made_to_be_opened_by_its_path(package: Package) -> None:
    compiled.library(package.root / "pkg/libone.so", soname=None)
    assert package.candidates() == []


def test_what_is_no_library_is_no_candidate(package: Package) -> None:
    package.source("pkg/libtext.so", "INPUT(-lother)")
    (package.root / "pkg/libbroken.so").symlink_to("nowhere")
    compiled.program(package.root / "pkg/run.so", "int main(void) { return 0; }")
    assert package.candidates() == []


# What opens any file whose name it is given: made of pieces, which no text has in one.
OPENER = "void *dlopen(const char *, int); void *host(const char *n) { return dlopen(n, 1); }"


def test_what_links_to_a_library_that_opens_others_is_a_plugin_of_that(package: Package) -> None:
    host = compiled.library(package.root / "pkg/libhost.so", OPENER)
    compiled.module(package.root / "pkg/_native.so", needs=[host])
    solver = compiled.library(package.root / "pkg/libsolver.so")
    compiled.library(package.root / "pkg/libspare.so", needs=[host, solver])
    assert package.candidates() == []


def test_what_links_to_one_that_opens_nothing_is_none(package: Package) -> None:
    plain = compiled.library(package.root / "pkg/libplain.so")
    compiled.module(package.root / "pkg/_native.so", needs=[plain])
    compiled.library(package.root / "pkg/libspare.so", needs=[plain])
    assert package.candidates() == ["pkg/libspare.so"]


def test_nor_is_what_links_to_an_opener_of_another_package(package: Package) -> None:
    host = compiled.library(package.root / "other/libhost.so", OPENER)
    compiled.module(package.root / "other/_native.so", needs=[host])
    compiled.library(package.root / "pkg/libspare.so", needs=[host])
    assert package.candidates() == ["pkg/libspare.so"]


def test_an_app_can_name_a_library_in_any_file_of_text(
    package: Package, spare: Path, tmp_path: Path
) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("web: LD_PRELOAD=$LIBS/libspare.so gunicorn app:app\n")
    tree = read_tree(package.root)
    going = orphans.candidates(tree, {})
    found = orphans.named(tree, going, [SourceFile(procfile, "", "the Procfile")])
    assert found == {"pkg/libspare.so": "named in the Procfile"}


def test_an_app_can_have_a_program_of_its_own_that_links_to_a_library(
    package: Package, spare: Path, tmp_path: Path
) -> None:
    program = compiled.program(tmp_path / "run", "int main(void) { return 0; }", needs=[spare])
    tree = read_tree(package.root)
    found = orphans.named(tree, orphans.candidates(tree, {}), [SourceFile(program, "", "run")])
    assert found == {"pkg/libspare.so": "named in run"}


def test_with_its_orphans_gone_a_package_works_as_before(package: Package, spare: Path) -> None:
    used = compiled.library(package.root / "pkg/libused.so.2")
    compiled.library(package.root / "pkg/libouter.so", needs=[used])
    source = (
        "import ctypes, pathlib\n"
        "here = pathlib.Path(__file__).parent\n"
        "ctypes.CDLL(str(here / 'libused.so.2'))\n"
        "ANSWER = ctypes.CDLL(str(here / 'libouter.so')).answer()\n"
    )
    package.source("pkg/__init__.py", source)
    tree = read_tree(package.root)
    going = orphans.candidates(tree, {})
    kept = orphans.keep(tree, going, package.sources(going))
    gone = sorted(going.keys() - kept)
    assert gone == ["pkg/libspare.so"]
    for path in gone:
        (package.root / path).unlink()
    command = [sys.executable, "-c", "import pkg; print(pkg.ANSWER)"]
    done = subprocess.run(command, cwd=package.root, check=True, capture_output=True)
    assert done.stdout == b"42\n"
