"""What a build is told, from files, config vars or arguments, once it is known to be valid."""
