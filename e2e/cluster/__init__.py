"""The local cluster: real etcd, Kubernetes control plane, kwok and Prometheus as processes of this machine.

`python -m e2e.cluster up` starts it; `e2e.cluster.cluster.Cluster` is the same for programs.
This file imports nothing, so that `e2e.cluster.launch` starts fast.
"""
