"""What no analysis sees is tried: imports, the app's start, its own check; and restored."""
