#!/usr/bin/env bash
# heroku/python's build cache: the whole Python directory with its packages.
#
# It is discarded when one of these has changed: the stack, the Python version, the package
# manager and, with pip only, the contents of requirements.txt (pip never uninstalls).

set -euo pipefail

cache::restore() {
	local build_dir="${1}"
	local cache_dir="${2}"
	local package_manager="${3}"
	local cached="${cache_dir}/.heroku"

	if [[ ! -d "${cached}/python" ]]; then
		return
	fi

	local reasons
	reasons="$(cache::reasons_to_discard "${build_dir}" "${cached}" "${package_manager}")"
	if [[ -n "${reasons}" ]]; then
		output::step "Discarding cache since:"
		output::indent <<<"${reasons}"
		rm -rf "${cached}"/{python,python-uv,python-stack,python-version,python-manager,requirements.txt}
		return
	fi

	output::step "Restoring cache"
	mkdir -p "${build_dir}/.heroku"
	mv "${cached}/python" "${build_dir}/.heroku/"
}

# Prints a line for each reason; none when the cache is good.
cache::reasons_to_discard() {
	local build_dir="${1}"
	local cached="${2}"
	local package_manager="${3}"

	cache::compare "stack" "${cached}/python-stack" "${STACK:?}"
	cache::compare "Python version" "${cached}/python-version" "python-${STANDIN_PYTHON_VERSION:?}"
	cache::compare "package manager" "${cached}/python-manager" "${package_manager}"
	if [[ "${package_manager}" == "pip" ]] &&
		! cmp --silent "${cached}/requirements.txt" "${build_dir}/requirements.txt"; then
		echo "- The contents of requirements.txt changed"
	fi
}

cache::compare() {
	local name="${1}"
	local file="${2}"
	local new="${3}"
	local old="unknown"

	if [[ -f "${file}" ]]; then
		old="$(<"${file}")"
	fi
	if [[ "${old}" != "${new}" ]]; then
		echo "- The ${name} has changed from ${old#python-} to ${new#python-}"
	fi
}

cache::save() {
	local build_dir="${1}"
	local cache_dir="${2}"
	local package_manager="${3}"
	local cached="${cache_dir}/.heroku"
	local version="${STANDIN_PYTHON_VERSION:?}"

	output::step "Saving cache"
	mkdir -p "${cached}" "${cache_dir}/build-data"
	cache::link_or_copy "${build_dir}/.heroku/python" "${cached}/python"
	echo "${STACK:?}" >"${cached}/python-stack"
	echo "python-${version}" >"${cached}/python-version"
	echo "${package_manager}" >"${cached}/python-manager"
	if [[ "${package_manager}" == "pip" ]]; then
		cp "${build_dir}/requirements.txt" "${cached}/requirements.txt"
	fi
	printf '{"package_manager": "%s", "python_version": "%s"}\n' "${package_manager}" "${version}" \
		>"${cache_dir}/build-data/python.json"
}

# Hard links take no time, but only exist within one filesystem: the cache is on another one on
# Heroku CI and for apps that build in /app.
cache::link_or_copy() {
	local source="${1}"
	local destination="${2}"

	rm -rf "${destination}"
	if ! cp --archive --link "${source}" "${destination}" 2>/dev/null; then
		rm -rf "${destination}"
		cp --archive "${source}" "${destination}"
	fi
}
