#!/usr/bin/env bash
# What later buildpacks and the app find set.

set -euo pipefail

environment::write_export() {
	local file="${1}"
	local build_dir="${2}"
	local python_home="${3}"

	cat >"${file}" <<EOF
export PATH="${python_home}/bin:\${PATH}"
export PYTHONUNBUFFERED=1
export PYTHONHOME="${python_home}"
export LIBRARY_PATH="${python_home}/lib\${LIBRARY_PATH:+:\${LIBRARY_PATH}}"
export LD_LIBRARY_PATH="${python_home}/lib\${LD_LIBRARY_PATH:+:\${LD_LIBRARY_PATH}}"
export PYTHONPATH="${build_dir}"
EOF
}

environment::write_profile() {
	local build_dir="${1}"
	local app_dir="${2}"
	local profile="${build_dir}/.profile.d/python.sh"

	mkdir -p "${build_dir}/.profile.d"
	# Expanded at boot, not here.
	# shellcheck disable=SC2016
	echo 'export PATH="${HOME}/.heroku/python/bin:${PATH}"
export PYTHONUNBUFFERED=true
export PYTHONHOME="${HOME}/.heroku/python"
export LIBRARY_PATH="${HOME}/.heroku/python/lib${LIBRARY_PATH:+:${LIBRARY_PATH}}"
export LD_LIBRARY_PATH="${HOME}/.heroku/python/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"
export LANG="${LANG:-en_US.UTF-8}"
export PYTHONHASHSEED="${PYTHONHASHSEED:-random}"
export PYTHONPATH="${PYTHONPATH:-${HOME}}"
export FORWARDED_ALLOW_IPS="${FORWARDED_ALLOW_IPS:-*}"
export WEB_CONCURRENCY="${WEB_CONCURRENCY:-2}"' >"${profile}"

	# Editable installs name the build directory, which is not there at run time.
	if [[ "${build_dir}" != "${app_dir}" ]]; then
		cat >>"${profile}" <<EOF
find "\${HOME}"/.heroku/python/lib/python*/site-packages/ -type f \\
    '(' -name '*.egg-link' -o -name '*.pth' -o -name '__editable___*_finder.py' ')' \\
    -exec sed -i -e 's#${build_dir}#${app_dir}#g' {} +
EOF
	fi
}
