"""A build on the user's own machine: what of the app goes into it, and with which config vars."""
