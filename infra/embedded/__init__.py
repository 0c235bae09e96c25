"""PostgreSQL and Kafka as child processes of ours, for whoever has neither at hand."""
