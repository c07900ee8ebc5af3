"""The sockets: commands come in, events go out."""
