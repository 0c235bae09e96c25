"""The machinery: settings, the event store, Kafka clients, the relay, embedded services; knows no rule of the programme."""
