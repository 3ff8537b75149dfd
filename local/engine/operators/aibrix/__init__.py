"""A stand-in for AIBrix (v0.7.0), whose programs are in no registry here: model router, gateway plugin, model list.

Written after its sources (vllm-project/aibrix at v0.7.0, c546589095); each part names the file that it follows, as does
what stands for the Envoy of its Gateway. It is not AIBrix: what it does not do it says in its answers.
"""
