"""The compressed size of files in a slug: exact, estimated, or from the cache."""
