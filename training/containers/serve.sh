#!/bin/sh
# What SageMaker runs as `serve`: installs the wheels that came with the model and answers on port 8080.
set -eu
code=/opt/ml/model/code
if [ -f "$code/requirements.txt" ]; then
    pip install --quiet --no-index --no-deps --requirement "$code/requirements.txt"
fi
exec python -m recto_training serve --kind "${RECTO_KIND:-word}" --model /opt/ml/model --host 0.0.0.0 --port 8080
