"""What runs in the tools' environment. It imports nothing of Slugfit, and is a package of its own
there, under another name: see main.
"""
