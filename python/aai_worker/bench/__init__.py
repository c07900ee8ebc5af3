"""`python -m aai_worker.bench`: what the decode engine is worth, without driver or sockets.

Needs torch, transformers, msgspec and Pillow only, so that it runs on a bare GPU machine.
"""
