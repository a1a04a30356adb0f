#!/bin/sh
# Whether a built image does what it is for, with the wheels of this source: sh training/containers/check.sh recto-model
set -eu
image=$1
code=$(mktemp -d)
python3 -m pip install --quiet "setuptools>=80" wheel
python3 scripts/build_wheels.py "$code" layers/recto training ocr
install="pip install --quiet --no-index --no-deps"

answers() { # a container that serves must answer /ping within two minutes
    container=$(docker run --detach --publish 8080:8080 "$@")
    if ! curl --silent --show-error --fail --retry 60 --retry-delay 2 --retry-all-errors http://127.0.0.1:8080/ping; then
        docker logs "$container" >&2
        exit 1
    fi
    docker rm --force "$container"
}

case "$image" in
    recto-training)
        docker run --rm --volume "$code:/wheels" "$image" \
            sh -c "$install /wheels/recto-*.whl /wheels/recto_training-*.whl && python -m recto_training train --help" ;;
    recto-pages)
        docker run --rm --volume "$code:/wheels" "$image" \
            sh -c "$install /wheels/recto-*.whl /wheels/recto_ocr-*.whl && python -m recto_ocr.page_images --help" ;;
    recto-model)
        (cd "$code" && rm -f recto_ocr-*.whl && for wheel in *.whl; do echo "/opt/ml/model/code/$wheel"; done > requirements.txt)
        answers --volume "$code:/opt/ml/model/code" --env RECTO_KIND=thumbnails "$image" serve ;;
    recto-ocr) answers "$image" serve ;;
esac
