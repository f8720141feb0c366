#!/usr/bin/env bash
# Boots the helper: Slugfit's Python package, under the app's own Python.

LIB_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# What the helper may know of the environment: where things are, and how to reach the
# network. Variables that earlier buildpacks exported, PYTHONPATH among them, stay out.
PASSED_ON=(
	HOME PATH STACK TMPDIR LD_LIBRARY_PATH
	HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy
	SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE PIP_CERT PIP_INDEX_URL
)

# Sets PYTHON to the app's interpreter. Usage: boot::find_python BUILD_DIR CACHE_DIR
# It is found from BUILD_DIR: PATH may lead to the build image's own python3. Where
# $HOME/.heroku/python is the same directory, that path is used, since it is the
# one that the dyno will have.
boot::find_python() {
	local home="${1}/.heroku/python"
	if [[ "${HOME}/.heroku/python" -ef "${home}" ]]; then
		home="${HOME}/.heroku/python"
	fi
	PYTHON="${home}/bin/python"
	# A Python built with a shared library finds it here.
	LD_LIBRARY_PATH="${home}/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"
	if [[ ! -x "${PYTHON}" ]]; then
		failure::raise "${2}" boot::python-missing 'The app has no .heroku/python/bin/python.' <<-'MESSAGE'
			Error: The app has no Python.

			.heroku/python/bin/python

			Slugfit works on what heroku/python has installed, and runs after it.

			To fix this:
			1. Put heroku/python before Slugfit:
			   heroku buildpacks:add --index 1 heroku/python
			2. If app.json lists buildpacks, list heroku/python there first.
		MESSAGE
	fi
}

# Hands over to the Python package, which tells its own failures, in log and record.
# Usage: boot::hand_over build|ci BUILD_DIR CACHE_DIR ENV_DIR
boot::hand_over() {
	local status=0
	boot::wait_for "${LIB_DIR}/slugfit/__main__.py" compile "$@" || status="$?"
	case "${status}" in
	0) ;;
	3) exit 1 ;; # told
	129 | 130 | 131 | 143) exit "${status}" ;;
	1 | 2 | 126 | 127) boot::python_unsupported "${3}" ;;
	137) failure::internal "${3}" 'The helper was killed: out of memory?' ;;
	*) failure::internal "${3}" "The helper ended with status ${status}." ;;
	esac
}

# Runs the helper, and passes on what asks this shell to end: bash itself would wait for the
# helper's end before it does anything about a signal.
boot::wait_for() {
	local number status before
	HELPER=''
	ENDED_BY=''
	for number in 1 2 3 15; do # HUP INT QUIT TERM
		# shellcheck disable=SC2064 # this number
		trap "boot::pass_on ${number}" "${number}"
	done
	boot::python "$@" &
	HELPER="$!"
	if [[ -n "${ENDED_BY}" ]]; then
		boot::pass_on "${ENDED_BY}"
	fi
	status=127
	while true; do
		WAS_INTERRUPTED=0
		before="${status}"
		status=0
		wait "${HELPER}" || status="$?"
		if [[ "${WAS_INTERRUPTED}" == 0 ]]; then
			break
		fi
	done
	trap - HUP INT QUIT TERM
	# Unknown, since the interrupted wait has returned it already.
	if [[ "${status}" == 127 ]]; then
		status="${before}"
	fi
	# A helper that was ended before it had begun can have any status.
	if [[ -n "${ENDED_BY}" && "${status}" != 0 && "${status}" != 3 ]]; then
		status="$((128 + ENDED_BY))"
	fi
	return "${status}"
}

# Usage: boot::pass_on NUMBER
boot::pass_on() {
	WAS_INTERRUPTED=1
	ENDED_BY="${ENDED_BY:-${1}}"
	if [[ -n "${HELPER}" ]]; then
		kill -s "${1}" "${HELPER}" 2>/dev/null || true
	fi
}

# Becomes the app's Python, away from everything of the app: its packages (-S), its
# PYTHON* variables and user directories (-I). No bytecode is written (-B): the
# buildpack may be shared, or read-only.
boot::python() {
	local name environment=(LANG=C.UTF-8)
	for name in "${PASSED_ON[@]}"; do
		if [[ -n "${!name:-}" ]]; then
			environment+=("${name}=${!name}")
		fi
	done
	exec env --ignore-environment "${environment[@]}" "${PYTHON}" -I -S -B -X utf8 "$@"
}

# Usage: boot::python_unsupported CACHE_DIR
boot::python_unsupported() {
	failure::raise "${1}" boot::python-unsupported \
		'The Python of the app is older than 3.10, or does not start.' <<-'MESSAGE'
			Error: The app's Python is older than 3.10, or does not start.

			.heroku/python/bin/python

			Slugfit runs under the app's own Python, and needs 3.10 or later.

			To fix this:
			1. Ask for a supported version, and commit the file:
			   echo 3.14 >.python-version
		MESSAGE
}
