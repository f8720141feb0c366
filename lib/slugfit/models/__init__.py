"""Models: formats, conversion, checks, and the steps from a source to the app."""
