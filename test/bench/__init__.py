"""The benchmarks: Slugfit's fetch beside the tools that people fetch models with today."""
