"""The loops on Kafka."""
