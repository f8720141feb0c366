#!/usr/bin/env bash
# Apps with a uv.lock. pip does not come into it: such an app has none.

set -euo pipefail

# Puts uv into the build cache, since it is needed during builds only.
uv::install_uv() {
	local cache_dir="${1}"
	local export_file="${2}"
	local python_home="${3}"
	local uv_dir="${cache_dir}/.heroku/python-uv"

	if [[ ! -x "${uv_dir}/uv" ]]; then
		mkdir -p "${uv_dir}"
		cp "${STANDIN_UV:?}" "${uv_dir}/uv"
	fi
	cat >>"${export_file}" <<EOF
export PATH="${uv_dir}:\${PATH}"
export UV_PROJECT_ENVIRONMENT="${python_home}"
export UV_NO_MANAGED_PYTHON="1"
export UV_PYTHON_DOWNLOADS="never"
EOF
	# shellcheck source=/dev/null
	source "${export_file}"
}

uv::install_dependencies() {
	local command=(uv sync --locked)
	if [[ ! -v INSTALL_TEST ]]; then
		command+=(--no-default-groups)
	fi

	# Unlike on Heroku, uv's cache is shared by all tests. Hard links into it, uv's default, would
	# let one test that writes in place spoil the packages of every later one.
	export UV_CACHE_DIR="${STANDIN_WHEEL_CACHE:?}/uv"
	export UV_LINK_MODE=copy

	output::step "Installing dependencies using '${command[*]}'"
	if ! "${command[@]}" --color always --compile-bytecode --no-progress |& output::indent; then
		output::error "Error: Unable to install dependencies using uv."
		exit 1
	fi
}
