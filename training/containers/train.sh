#!/bin/sh
# What SageMaker runs as `train` where it takes no other entry point, as in tuning jobs: installs the staged
# wheels and starts the run, with a process for each GPU of each machine.
set -eu
code=/opt/ml/input/data/code
cd "$code"
pip install --quiet --no-index --no-deps --requirement requirements.txt
launch=$(python - <<'PYTHON'
import json
import torch
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
hosts = sorted(config["hosts"])
rank, processes = hosts.index(config["current_host"]), max(1, torch.cuda.device_count())
print(f"--nnodes={len(hosts)} --node_rank={rank} --nproc_per_node={processes} --master_addr={hosts[0]} --master_port=7777")
PYTHON
)
# shellcheck disable=SC2086 # several options
exec torchrun $launch train.py
