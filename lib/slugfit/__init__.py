"""Slugfit: makes Python machine-learning apps fit Heroku's slug and boot fast."""

VERSION = "0.1.0"
