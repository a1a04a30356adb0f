#!/bin/sh
# Builds one image, from the repository's root: sh training/containers/build.sh recto-model
set -eu
case "$1" in
    recto-ocr) docker build --file ocr/container/Dockerfile --tag "$1" . ;;
    recto-training | recto-model | recto-pages)
        docker build --file training/containers/Dockerfile --target "$1" --tag "$1" . ;;
    *) echo "no image is called $1: recto-training, recto-model, recto-pages, recto-ocr" >&2; exit 2 ;;
esac
