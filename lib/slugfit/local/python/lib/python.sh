#!/usr/bin/env bash
# Python itself: a relocatable tree, as heroku/python downloads it.

set -euo pipefail

python::announce() {
	local version="${STANDIN_PYTHON_VERSION:?}"
	local requested="${STANDIN_REQUESTED_VERSION:?}"
	local origin="${STANDIN_REQUESTED_IN:-}"

	if [[ -z "${origin}" ]]; then
		output::step "No Python version was specified. Using Python ${version}"
	elif [[ "${version}" == "${requested}".* ]]; then
		output::step "Using Python ${version} specified in ${origin}"
	else
		output::step "Using Python ${version}"
		output::notice "Notice: ${origin} asks for Python ${requested}, which is not installed on this machine."
	fi
}

# Copies Python into the app, unless it came out of the cache.
python::install() {
	local build_dir="${1}"
	local version="${STANDIN_PYTHON_VERSION:?}"

	if [[ -d "${build_dir}/.heroku/python" ]]; then
		output::step "Using cached install of Python ${version}"
		return
	fi

	output::step "Installing Python ${version}"
	mkdir -p "${build_dir}/.heroku"
	cp --archive "${STANDIN_RUNTIME:?}" "${build_dir}/.heroku/python"
}

# Makes Python appear where it will be at run time, so that the paths written into scripts are
# those of the dyno. The link stays for later buildpacks.
python::link() {
	local build_dir="${1}"
	local app_dir="${2}"

	if [[ "${build_dir}" != "${app_dir}" ]]; then
		mkdir -p "${app_dir}/.heroku"
		ln --no-dereference --symbolic --force "${build_dir}/.heroku/python" "${app_dir}/.heroku/python"
	fi
}
