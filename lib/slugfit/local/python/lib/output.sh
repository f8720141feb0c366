#!/usr/bin/env bash
# Heroku's conventions for build output.

set -euo pipefail

output::step() {
	echo "-----> ${1}"
}

output::indent() {
	sed --unbuffered 's/^/       /'
}

output::notice() {
	echo " !     ${1}" >&2
}

output::error() {
	local line
	while IFS= read -r line; do
		printf ' \x1b[1;31m!     %s\x1b[0m\n' "${line}" >&2
	done <<<"${1}"
}
