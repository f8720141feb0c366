"""The build of a slug, step by step."""
