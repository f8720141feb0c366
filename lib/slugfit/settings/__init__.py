"""The configuration of a build, from files, config vars or arguments, once it is valid."""
