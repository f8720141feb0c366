"""Who asked for a package: the app's own files, and what is installed of each other."""
