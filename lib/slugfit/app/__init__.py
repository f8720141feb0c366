"""What the user brought: the app's files, requirements, Python version and processes."""
