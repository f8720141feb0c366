"""How models are fetched: from a store, through the build cache, into the app."""
