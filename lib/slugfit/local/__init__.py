"""Heroku on this machine, on the standard library alone: for `slugfit build`, and for the tests.

`heroku_app.App` is the place to start reading; `python/` is the stand-in for heroku/python.
"""
