"""What no analysis can see is tried: imports, the app's start, its own check; and mended."""
