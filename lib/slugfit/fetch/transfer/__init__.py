"""One object on its way: ranges, connections, retries, a file that is whole or not there."""
