"""Ray clusters of RayServices, simulated beside the real KubeRay operator: heads with their dashboard's API, and
replicas that Ray Serve would put on the workers. The engines in the replicas are those of local/engine.

Rules are those of ray 2.56.0, each with its file. Not simulated: GCS and its clients, jobs, Ray's own processes and
logs, the proxy's way to replicas of another pod (a pod's port is answered by the replica on it).
"""
