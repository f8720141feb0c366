"""Shared libraries and programs: who links to them, who names them, and what in them is dead."""
