"""What all unit tests share."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes depends on who else uses the machine.
settings.register_profile("slugfit", deadline=None)
settings.load_profile("slugfit")
