#!/bin/sh
# What the image does: `serve` as a SageMaker endpoint (its default), `process` as a processing job.
set -eu
case "${1:-serve}" in
    serve) exec python -m recto_ocr.serve ;;
    process) shift; exec python -m recto_ocr.processing "$@" ;;
    *) exec "$@" ;;
esac
