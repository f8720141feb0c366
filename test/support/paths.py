"""Where things are in this repository."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "test" / "fixtures"

# The one place outside an App's own root that builds write to: what is slow to get and safe to
# share between tests (relocatable Pythons, pip's and uv's download caches).
SHARED_CACHE = REPOSITORY / ".cache"
PYTHONS = SHARED_CACHE / "pythons"

# The model that the example app serves, and digits that it never saw.
SAMPLES = REPOSITORY / "test" / "samples"
DIGITS = SAMPLES / "digits"
