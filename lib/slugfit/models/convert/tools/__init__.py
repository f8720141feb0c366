"""The scripts that run in the tools' environment.

They import nothing of Slugfit, and are a package of their own there, under another name: see main.
"""
