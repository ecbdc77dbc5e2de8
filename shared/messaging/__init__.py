"""The runtime: Kafka in, one PostgreSQL transaction a batch, Kafka out; it never knows which service it runs."""
