"""The ground floor: failures, output, files, processes, HTTP, the platform."""
