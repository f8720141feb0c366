"""Slugfit's own dependencies: locks, installation, pruning."""
