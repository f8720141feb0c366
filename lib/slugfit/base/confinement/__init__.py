"""Runs what no one vouches for: code of packages, of the app, of models.

Each program has a supervisor, which bounds its time, memory, processes, files and output, ends
all that it has started, and takes from it, where the kernel lets it: writing anywhere but where
it may, the network, and signals to those who watch it.
"""
