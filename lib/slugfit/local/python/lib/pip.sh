#!/usr/bin/env bash
# Apps with a requirements.txt.

set -euo pipefail

# Installs the pip that Python carries with it. heroku/python installs the newest instead, which
# leaves the same thing behind: pip in site-packages, importable at build and run time.
pip::install_pip() {
	local python_home="${1}"
	local wheel
	wheel="$(printf '%s\n' "${python_home}"/lib/python3.*/ensurepip/_bundled/pip-*.whl)"

	export PIP_CACHE_DIR="${STANDIN_WHEEL_CACHE:?}/pip"
	export PIP_DISABLE_PIP_VERSION_CHECK=1
	export PIP_ROOT_USER_ACTION=ignore

	local version="${wheel##*/pip-}"
	version="${version%%-*}"
	output::step "Installing pip ${version}"
	if ! compgen -G "${python_home}/lib/python3.*/site-packages/pip-${version}.dist-info" >/dev/null; then
		python "${wheel}/pip" install --no-index --no-input --quiet "${wheel}"
	fi
}

pip::install_dependencies() {
	local env_dir="${1}"
	local command=(pip install -r requirements.txt)

	if [[ -f "${env_dir}/PIP_EXTRA_INDEX_URL" ]]; then
		PIP_EXTRA_INDEX_URL="$(<"${env_dir}/PIP_EXTRA_INDEX_URL")"
		export PIP_EXTRA_INDEX_URL
	fi
	if [[ -v INSTALL_TEST && -f requirements-test.txt ]]; then
		command+=(-r requirements-test.txt)
	fi

	output::step "Installing dependencies using '${command[*]}'"
	if ! "${command[@]}" --exists-action=w --no-input --progress-bar off |&
		sed --unbuffered '/Requirement already satisfied/d' |& output::indent; then
		output::error "Error: Unable to install dependencies using pip."
		exit 1
	fi
}
