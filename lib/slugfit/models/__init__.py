"""Models: from where they are kept, by way of the build cache, into the app."""
