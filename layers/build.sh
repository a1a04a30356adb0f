#!/usr/bin/env bash
# Builds one layer into a folder: build.sh recto|inference|imaging|workbench TARGET_FOLDER
#
# The Makefiles of the layers call it, `sam build` calls them and hands its environment on:
#
#   RECTO_LAYER_TARGET    lambda (default): wheels for AWS; host: wheels for this machine, out of .wheels/
#   RECTO_LAYER_PYTHON    the Lambda runtime's Python, default 3.13
#   RECTO_LAYER_PLATFORM  aarch64 (default) or x86_64
#
# pip's own variables work as always. Two builds give the same bytes.
set -euo pipefail

layers=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$layers")
layer=${1:?"which layer: recto, inference, imaging or workbench?"}
site=${2:?"ARTIFACTS_DIR is not set: where should the layer go?"}/python

python=python3
own_python=()
if [ -x "$root/.venv/bin/python" ]; then
    python=$root/.venv/bin/python
    own_python=(--no-build-isolation) # it has the pinned setuptools
fi

case ${RECTO_LAYER_TARGET:=lambda} in
lambda)
    wheels=(--only-binary=:all: --implementation cp --python-version "${RECTO_LAYER_PYTHON:-3.13}")
    # Oldest last: onnxruntime has no wheel for manylinux2014 alone.
    for platform in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014; do
        wheels+=(--platform "${platform}_${RECTO_LAYER_PLATFORM:-aarch64}")
    done
    ;;
host)
    unset PIP_FIND_LINKS # a variable cannot hold a folder with a space in its name
    wheels=(--no-index --find-links "$root/.wheels")
    ;;
*)
    echo "RECTO_LAYER_TARGET is '$RECTO_LAYER_TARGET', expected lambda or host" >&2
    exit 1
    ;;
esac

install() {
    # No bytecode: it carries times and paths.
    "$python" -m pip install --quiet --disable-pip-version-check --no-compile --upgrade \
        --constraint "$root/constraints/product.txt" "${wheels[@]}" --target "$site" "$@"
}

build_recto() {
    staging=$(mktemp -d)
    trap 'rm -rf "$staging"' EXIT
    mkdir "$staging/recto"
    cp -R "$layers/recto/pyproject.toml" "$layers/recto/src" "$staging/recto/"
    find "$staging" \( -name __pycache__ -o -name '*.egg-info' -o -name '.*_cache' \) -prune -exec rm -rf {} +
    install ${own_python[@]+"${own_python[@]}"} "$staging/recto[lambda]"
    cd "$site"
    # The Lambda runtime brings these; its boto3 would take a second, newer botocore that lies beside it.
    for name in boto3 botocore s3transfer dateutil python_dateutil six urllib3; do
        rm -rf "$name" "$name".py "$name"-*.dist-info
    done
    # They say where and when this was built.
    rm -rf bin recto-*.dist-info/direct_url.json recto-*.dist-info/RECORD
}

build_inference() {
    install --no-deps --requirement "$layers/inference/requirements.txt"
    cd "$site"
    rm -rf bin numpy/f2py numpy/_pyinstaller onnxruntime/{datasets,quantization,tools,transformers}
    find numpy -name tests -type d -prune -exec rm -rf {} +
}

build_imaging() {
    install --no-deps --requirement "$layers/imaging/requirements.txt"
    rm -rf "$site/bin"
}

build_workbench() {
    pages=$root/workbench/src/recto_workbench/static
    if [ ! -f "$pages/index.html" ]; then
        echo "the workbench's pages are not built: $pages/index.html is missing; run: make setup-demo" >&2
        exit 1
    fi
    install --requirement "$layers/workbench/requirements.txt"
    cp -R "$root/workbench/src/recto_workbench" "$site/"
    cd "$site"
    find . -name __pycache__ -prune -exec rm -rf {} +
    rm -rf bin recto_workbench/static/.made-from
}

mkdir -p "$site"
"build_$layer"
