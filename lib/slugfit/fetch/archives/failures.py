"""What can be wrong with an archive, and what to do about it."""

from __future__ import annotations

from slugfit.base.errors import Explanation
from slugfit.stores.failures import FetchFailure
from slugfit.stores.urls import StoreUrl

# Weights hardly compress, and vocabularies less than tenfold; a gzip bomb a thousandfold.
RATIO = 100
# Their names are held in memory. More small files would take too long to pack into a slug.
MEMBERS = 100_000

_SHOWN = 200
_MEMORY = """\
Slugfit unpacks with 128 MiB of memory, which is enough for every preset of xz and zstd,
but not for zstd's --long, nor --ultra -22."""
_EXPANDS = f"""\
Slugfit unpacks at most {RATIO} times an archive's size, and {MEMBERS:,} files. No model
needs more: the archive is damaged, or built to fill the disk."""


class ArchiveUnreadable(FetchFailure):
    """Not an archive, or a damaged or unusual one."""

    id = "unpack::not-an-archive"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's archive can't be unpacked.",
            where=self.source.display,
            evidence=self._evidence,
            why=_MEMORY if "memory" in self.detail else "",
            fixes=(
                "If it is no archive, remove `unpack = true`.",
                "If it is one, create it again in the usual way, and upload it:\n"
                "tar --create --gzip --file model.tar.gz model/",
            ),
        )


class ArchiveUnsafe(FetchFailure):
    """A member that would be unpacked to another place, or as something else."""

    id = "unpack::unsafe-member"

    def __init__(self, source: StoreUrl, member: str, detail: str) -> None:
        super().__init__(source, detail)
        self.member = member

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's archive has a member that is not safe.",
            where=self.source.display,
            evidence=(f"member: {shown(self.member)}", f"reason: {shown(self.detail)}"),
            why="Slugfit unpacks files, directories, and links to files of the same archive.",
            fixes=(
                "Create the archive again, with files in place of links, and upload it:\n"
                "tar --create --gzip --dereference --file model.tar.gz model/",
            ),
        )


class ArchiveExpands(FetchFailure):
    """An archive expands far more than any archive of a model."""

    id = "unpack::expands-too-much"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's archive holds more than Slugfit unpacks.",
            where=self.source.display,
            evidence=self._evidence,
            why=_EXPANDS,
            fixes=(
                "Check what the archive holds, create it again, and upload it.",
                "If that is what it should hold, upload its files without an archive, and name\n"
                "their directory as the source: s3://bucket/directory/",
            ),
        )


class ArchiveEncrypted(FetchFailure):
    """Members that need a password."""

    id = "unpack::encrypted"

    def explain(self) -> Explanation:
        return Explanation(
            summary="A model's archive needs a password.",
            where=self.source.display,
            evidence=self._evidence,
            fixes=(
                "Create the archive again without a password, and upload it. The store's\n"
                "access keys keep it private.",
            ),
        )


def shown(text: str) -> str:
    """`text` as one short line: names may have line breaks, escapes and undecodable bytes."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
