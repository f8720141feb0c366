"""What a build tells: a table in the log, a JSON document, a flat record."""
