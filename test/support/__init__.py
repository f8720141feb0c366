"""What the tests stand on: the local Heroku, a real S3 server, a scripted HTTP server.

`support.heroku.App` is the place to start reading.
"""
