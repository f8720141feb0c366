"""Shared libraries and programs: what links to them and names them, and what in them is dead."""
