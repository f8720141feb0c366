#!/usr/bin/env bash
# How a build fails before Python has booted: an error in the log, a record in the
# cache for bin/report. lib/slugfit/errors.py and output.py render alike: a golden
# test holds them together.

ANSI_RED=$'\033[1;31m'
ANSI_RESET=$'\033[0m'
PROJECT='https://github.com/slugfit/slugfit'
RECORD='slugfit/record.json'

# Ends the build with the message on standard input.
# Usage: failure::raise CACHE_DIR ID DETAIL (a detail without quotes and backslashes)
failure::raise() {
	failure::show "${2}"
	failure::write_record "${1}" "${2}" "${3}"
	exit 1
}

# Ends the build on a bug of ours. Usage: failure::internal CACHE_DIR PLACE
failure::internal() {
	trap - ERR
	# In a subshell: the shell around it fails next, and tells.
	if ((BASH_SUBSHELL > 0)); then
		exit 1
	fi
	failure::raise "${1}" internal::unexpected 'The build script stopped unexpectedly.' <<-MESSAGE
		Internal error: The build script stopped unexpectedly.

		${2}

		This is a bug in Slugfit. To get it fixed:
		1. Report it with the lines above: ${PROJECT}/issues
	MESSAGE
}

# Prints the message on standard input, and where to read on. Usage: failure::show ID
failure::show() {
	local line message
	message="$(cat)"
	{
		echo
		while IFS= read -r line; do
			line="${line%"${line##*[![:space:]]}"}"
			echo "${ANSI_RED} !${line:+     ${line}}${ANSI_RESET}"
		done <<<"${message}"$'\n\nFor more information, see:\n'"${PROJECT}/blob/main/docs/errors.md#${1//:/}"
		echo
	} >&2
}

# Usage: failure::write_record CACHE_DIR ID DETAIL
failure::write_record() {
	local record="${1}/${RECORD}"
	mkdir -p "${record%/*}"
	printf '{"failure_reason": "%s", "failure_detail": "%s"}\n' "${2}" "${3}" >"${record}.part"
	mv "${record}.part" "${record}"
}

# Usage: failure::print_record CACHE_DIR
failure::print_record() {
	if [[ -f "${1}/${RECORD}" ]]; then
		cat "${1}/${RECORD}"
	else
		echo '{}'
	fi
}

# Usage: failure::forget CACHE_DIR
failure::forget() {
	rm -f "${1}/${RECORD}"
}
