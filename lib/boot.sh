#!/usr/bin/env bash
# Boots the helper: Slugfit's Python package, under the app's own Python, with
# dependencies of its own in the build cache. Nothing of it gets into the slug.

LIB_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
PROVISIONAL=''
LOCK="${LIB_DIR}/requirements/helper.txt"

# What the helper and its pip may know of the environment: where things are, and how
# to reach the network. Variables that earlier buildpacks exported, PYTHONPATH and
# PIP_TARGET among them, stay out.
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
	# shellcheck disable=SC2310 # a single command, and its failure is the answer
	if ! boot::python -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
		failure::raise "${2}" boot::python-unsupported \
			'The Python of the app is older than 3.10, or does not start.' <<-'MESSAGE'
				Error: The app's Python is older than 3.10, or does not start.

				.heroku/python/bin/python

				Slugfit runs under the app's own Python, and needs 3.10 or later.

				To fix this:
				1. Ask for a supported version, and commit the file:
				   echo 3.14 >.python-version
			MESSAGE
	fi
}

# Runs the app's Python away from everything of the app: its packages (-S), its
# PYTHON* variables and user directories (-I). No bytecode is written (-B): a failed
# build may not change the cache.
boot::python() {
	local name environment=(LANG=C.UTF-8)
	for name in "${PASSED_ON[@]}"; do
		if [[ -n "${!name:-}" ]]; then
			environment+=("${name}=${!name}")
		fi
	done
	env --ignore-environment "${environment[@]}" "${PYTHON}" -I -S -B -X utf8 "$@"
}

# Sets DEPENDENCIES to a directory with the locked dependencies. A new one is
# provisional until boot::keep_dependencies: after a failed build, boot::discard
# removes it. Usage: boot::dependencies CACHE_DIR
boot::dependencies() {
	local said
	HELPER_DIR="${1}/slugfit/helper"
	DEPENDENCIES_KEY="$(boot::dependencies_key)"
	DEPENDENCIES="${HELPER_DIR}/${DEPENDENCIES_KEY}"
	if [[ -d "${DEPENDENCIES}" ]]; then
		return
	fi
	echo "-----> Installing Slugfit's own dependencies into the build cache"
	mkdir -p "${HELPER_DIR}"
	PROVISIONAL="$(mktemp -d "${HELPER_DIR}/new.XXXXXXXX")"
	DEPENDENCIES="${PROVISIONAL}/site"
	# shellcheck disable=SC2310 # its last command is pip, and pip's failure is the answer
	if ! boot::install "${DEPENDENCIES}" >"${PROVISIONAL}/log" 2>&1; then
		said="$(tail -n 5 "${PROVISIONAL}/log")"
		boot::installation_failed "${1}" "${said}"
	fi
	boot::trim "${DEPENDENCIES}"
	# Checked by nothing: the cache travels as an archive, and times change on the way.
	boot::python -m compileall -q --invalidation-mode unchecked-hash "${DEPENDENCIES}"
}

# Everything that decides whether installed dependencies fit: lock, Python, machine.
boot::dependencies_key() {
	boot::python -c '
import hashlib, platform, sys
with open(sys.argv[1], "rb") as lock:
    digest = hashlib.sha256(lock.read()).hexdigest()[:16]
print(f"{digest}-{sys.implementation.cache_tag}-{platform.machine()}")
' "${LOCK}"
}

# Installs the lock with the pip that every CPython carries: uv and poetry leave none
# in the app, and the app's own pip is not ours to use.
boot::install() {
	local wheels=("${PYTHON%/bin/python}"/lib/python3.*/ensurepip/_bundled/pip-*.whl)
	# On Heroku CI the home directory is the app's, and so is a pip.conf in it.
	HOME="${PROVISIONAL}" boot::python "${wheels[0]}/pip" install \
		--target "${1}" --requirement "${LOCK}" \
		--require-hashes --no-deps --only-binary :all: \
		--no-compile --no-cache-dir --no-input --disable-pip-version-check --quiet
}

# botocore describes every AWS service, in some 25 MB: an S3 client reads four.
boot::trim() {
	local service others=()
	for service in s3 sts sso sso-oidc; do
		others+=(! -name "${service}")
	done
	find "${1}/botocore/data" "${1}/boto3/data" -mindepth 1 -maxdepth 1 -type d "${others[@]}" \
		-exec rm -rf {} +
	rm -rf "${1:?}/bin"
}

# Makes provisional dependencies the ones of the next build, and drops older ones.
boot::keep_dependencies() {
	if [[ -z "${PROVISIONAL}" ]]; then
		return
	fi
	mv "${DEPENDENCIES}" "${HELPER_DIR}/${DEPENDENCIES_KEY}"
	find "${HELPER_DIR}" -mindepth 1 -maxdepth 1 ! -name "${DEPENDENCIES_KEY}" -exec rm -rf {} +
	PROVISIONAL=''
}

# Removes what boot::dependencies installed and nobody kept.
boot::discard() {
	if [[ -n "${PROVISIONAL}" ]]; then
		rm -rf "${PROVISIONAL}"
		rmdir --ignore-fail-on-non-empty "${HELPER_DIR}"
	fi
}

# Hands over to the Python package, which tells its own failures, in log and record.
# Usage: boot::hand_over build|ci BUILD_DIR CACHE_DIR ENV_DIR
boot::hand_over() {
	local status=0
	# shellcheck disable=SC2310 # a single command
	boot::python -c '
import runpy, sys
sys.path[:0] = sys.argv[1:3]
del sys.argv[1:3]
runpy.run_module("slugfit", run_name="__main__", alter_sys=True)
' "${LIB_DIR}" "${DEPENDENCIES}" "$@" || status="$?"
	case "${status}" in
	0) ;;
	1 | 143) exit "${status}" ;;
	137) failure::internal "${3}" 'The helper was killed: out of memory?' ;;
	*) failure::internal "${3}" "The helper ended with status ${status}." ;;
	esac
}

# Usage: boot::installation_failed CACHE_DIR WHAT_PIP_SAID
boot::installation_failed() {
	failure::raise "${1}" boot::dependencies-not-installed \
		'The dependencies of Slugfit itself could not be installed.' <<-MESSAGE
			Error: Slugfit's own dependencies could not be installed.

			${2:-pip said nothing.}

			This is often temporary. Build again; if it persists, check:
			1. the status of the Python Package Index: https://status.python.org
		MESSAGE
}
